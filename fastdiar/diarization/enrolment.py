"""Learn people's voices from recordings of one person each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from fastdiar.core.errors import FastdiarError
from fastdiar.core.types import Voice
from fastdiar.core.voices import KnownVoice, KnownVoices, expect_name
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.voices import unit

ALONE = 0.8
"""A voice with less of a recording's speech is probably not the only one."""

Warn = Callable[[str], None]


def enroll(diarizer: Diarizer, recordings: Mapping[str, Sequence[str | Path]], warn: Warn = lambda words: None) -> KnownVoices:
    """The voice of each person, by name, from recordings in which that person speaks alone; of several voices the longest counts.

    Raises `FastdiarError` with all that is wrong: recordings that cannot be read, too little speech, names that cannot be.
    `warn` is told where a recording seems to hold others too.
    """
    voices, problems = [], []
    for name, paths in recordings.items():
        try:
            voices.append(_person(diarizer, name, paths, warn))
        except FastdiarError as error:
            problems.append(str(error))
    if problems:
        raise FastdiarError("\n".join(problems))
    return KnownVoices(diarizer.model.bundle.identity, tuple(voices))


def _person(diarizer: Diarizer, name: str, paths: Sequence[str | Path], warn: Warn) -> KnownVoice:
    try:
        expect_name(name)  # before anything is heard
    except ValueError as error:
        raise FastdiarError(f"a person's name {error}") from None
    heard = [voice for path in paths for voice in _longest(diarizer, path, warn)]
    seconds, least = sum(voice.seconds for voice in heard), diarizer.settings.known_seconds
    if seconds < least:
        raise FastdiarError(f"{name}: {seconds:.1f} s of speech are not enough: expected at least {least:g} s")
    vector = unit(np.sum([voice.seconds * voice.vector for voice in heard], axis=0))
    return KnownVoice(name, round(seconds, 3), tuple(vector.tolist()))


def _longest(diarizer: Diarizer, path: str | Path, warn: Warn) -> list[Voice]:
    """The voice that speaks longest in a recording; none where nobody does."""
    voices = sorted(diarizer(path).voices.values(), key=lambda voice: voice.seconds, reverse=True)
    everything = sum(voice.seconds for voice in voices)
    if voices and voices[0].seconds < ALONE * everything:
        warn(f"{path}: holds {len(voices)} voices: took the longest, {voices[0].seconds:.1f} s of {everything:.1f} s of speech")
    return voices[:1]
