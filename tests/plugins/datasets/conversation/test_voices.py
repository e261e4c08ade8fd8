"""Where a voice speaks, and the tape made of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.core import audio
from fastdiar.core.errors import AudioError
from fastdiar.core.types import RATE
from fastdiar.plugins.datasets.conversation.casting import Voice
from fastdiar.plugins.datasets.conversation.voices import make_tape


def voice(*paths: Path) -> Voice:
    return Voice("ann", "one", tuple(partial(audio.read, path) for path in paths), 7.0 * len(paths))


def test_a_tape_marks_its_speech_exactly(material: Path) -> None:
    tape = make_tape(voice(*(material / f"ann_{clip}.flac" for clip in range(4))), np.random.default_rng(0))
    active = np.zeros(len(tape.samples), bool)
    for start, end in tape.runs:
        active[start:end] = True
    assert np.sqrt(np.mean(tape.samples[active] ** 2)) == pytest.approx(1.0, rel=1e-3)
    assert np.abs(tape.samples[~active]).max() < 0.2 * np.abs(tape.samples).max()
    assert np.array_equal(tape.samples[: tape.period], tape.samples[tape.period : 2 * tape.period])


def test_what_is_taken_begins_with_speech_and_goes_on_behind_the_end(material: Path) -> None:
    tape = make_tape(voice(material / "ann_0.flac"), np.random.default_rng(0))
    place = 0
    for seconds in (0.3, 2.0, 25.0, 0.5, 30.0, 1.0):
        start, place = tape.take(place, seconds)
        assert any(first <= start < last for first, last in tape.runs)
        assert (place - start) / RATE == pytest.approx(seconds, abs=0.7)


def test_clips_without_a_voice(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    with pytest.raises(AudioError, match="ann: no speech in 1 clips of this speaker"):
        make_tape(voice(tmp_path / "a.wav"), np.random.default_rng(0))
