"""One speaker a channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastdiar.core.errors import AudioError, FastdiarError
from fastdiar.core.types import RATE
from fastdiar.core.voices import KnownVoice, KnownVoices
from fastdiar.diarization.diarizer import Diarizer

AGENT, CALLER = [(1.0, 5.0, 0), (9.0, 15.0, 0)], [(4.0, 10.0, 1), (10.5, 12.0, 2), (17.0, 19.0, 1)]


@pytest.fixture
def call(sound) -> np.ndarray:
    """Two channels `[samples, 2]` that overlap; in the second another voice is heard for a while."""
    return np.stack([sound(AGENT, 20.0), sound(CALLER, 20.0)], axis=1)


def test_each_channel_is_one_speaker_overlap_included(fake, call: np.ndarray) -> None:
    found = Diarizer(fake)(call, RATE, channel="split", uri="call")
    turns = [(round(turn.start, 1), round(turn.end, 1), turn.speaker) for turn in found.turns]
    assert turns == [
        (1.0, 5.0, "channel0"),
        (4.0, 10.0, "channel1"),
        (9.0, 15.0, "channel0"),
        (10.5, 12.0, "channel1"),
        (17.0, 19.0, "channel1"),
    ]
    assert (found.uri, found.seconds, found.warnings, found.speakers_probability) == ("call", 20.0, (), None)
    assert {name: int(voice.vector.argmax()) for name, voice in found.voices.items()} == {"channel0": 0, "channel1": 1}


def test_a_silent_channel_has_no_turns(fake, sound) -> None:
    call = np.stack([np.zeros(20 * RATE, np.float32), sound(CALLER, 20.0)], axis=1)
    assert Diarizer(fake)(call, RATE, channel="split").speakers == ["channel1"]


def test_channels_bear_the_names_of_those_who_are_known(fake, call: np.ndarray) -> None:
    known = KnownVoices(fake.bundle.identity, (KnownVoice("carl", 9.0, tuple(np.eye(8)[1].tolist())),))
    assert Diarizer(fake)(call, RATE, channel="split", known=known).speakers == ["channel0", "carl"]


def test_one_channel_is_a_warning(fake, call: np.ndarray) -> None:
    found = Diarizer(fake)(call[:, 0], RATE, channel="split", uri="memo")
    assert found.speakers == ["channel0"]
    assert found.warnings == ("memo: has one channel: all speech in it is taken for one person's",)


def test_progress_grows_over_all_channels(fake, call: np.ndarray) -> None:
    told: list[tuple[float, float | None]] = []
    Diarizer(fake)(call, RATE, channel="split", progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (20.0, 20.0)


@pytest.mark.parametrize("wish", [{"num_speakers": 2}, {"max_speakers": 3}, {"min_speakers": 2}, {"exclusive": True}])
def test_wishes_that_contradict_are_refused(fake, call: np.ndarray, wish: dict) -> None:
    with pytest.raises(FastdiarError, match="split channels hold one speaker each: leave the number of speakers, exclusive"):
        Diarizer(fake)(call, RATE, channel="split", **wish)


def test_standard_input_cannot_be_heard_twice(fake) -> None:
    with pytest.raises(AudioError, match="standard input: can be heard only once: split channels need a file"):
        Diarizer(fake)(Path("-"), channel="split")
