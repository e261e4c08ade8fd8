"""Recordings that hold one person a channel, as telephone systems make them."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from fastdiar.core import audio
from fastdiar.core.errors import AudioError
from fastdiar.core.types import Diarization, Recording
from fastdiar.diarization.walk import Progress

SPLIT = "split"
"""The channel that means each for itself."""


def each_channel(recording: Recording, hear_one: Callable[[Recording, Progress], Diarization], progress: Progress) -> Diarization:
    """One channel after the other, each heard by `hear_one` as one person, who is called `channel0`…; raises `AudioError`."""
    if str(recording.path) == "-":
        raise AudioError("standard input: can be heard only once: split channels need a file")
    count = audio.channels(recording)
    parts = []
    for channel in range(count):
        part = hear_one(attrs.evolve(recording, channel=channel), _share(progress, channel, count))
        parts.append(part.renamed(dict.fromkeys(part.speakers, f"channel{channel}")))
    return Diarization(
        recording.uri,
        tuple(turn for part in parts for turn in part.turns),
        seconds=parts[0].seconds,
        voices={name: voice for part in parts for name, voice in part.voices.items()},
        warnings=() if count > 1 else (f"{recording.uri}: has one channel: all speech in it is taken for one person's",),
    )


def _share(progress: Progress, channel: int, count: int) -> Progress:
    """Progress through one of `count` channels, as progress through the recording."""

    def told(done: float, total: float | None) -> None:
        progress(done if total is None else (channel * total + done) / count, total)

    return told
