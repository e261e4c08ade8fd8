"""Learning voices from recordings of one person each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.core.errors import FastdiarError
from fastdiar.core.types import RATE
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.enrolment import enroll

Script = list[tuple[float, float, int]]


@pytest.fixture
def write(sound, tmp_path: Path):
    """A recording of turns `(start, end, person)`."""

    def written(name: str, script: Script, seconds: float = 12.0) -> Path:
        soundfile.write(tmp_path / name, sound(script, seconds), RATE, subtype="FLOAT")
        return tmp_path / name

    return written


def test_a_voice_of_each_person_that_names_them_elsewhere(fake, sound, write) -> None:
    ann, bob = write("ann.wav", [(1.0, 8.0, 2)]), write("bob.wav", [(1.0, 10.0, 0)])
    known = enroll(Diarizer(fake), {"ann": [ann], "bob": [bob]})
    assert known.model == fake.bundle.identity
    assert [(voice.name, int(np.argmax(voice.vector))) for voice in known.voices] == [("ann", 2), ("bob", 0)]
    assert [voice.seconds for voice in known.voices] == pytest.approx([7, 9], abs=0.1)
    meeting = sound([(1.0, 6.0, 1), (7.0, 12.0, 0), (13.0, 18.0, 2)], 20.0)
    assert Diarizer(fake)(meeting, RATE, known=known).speakers == ["speaker1", "bob", "ann"]


def test_several_recordings_make_one_voice(fake, write) -> None:
    parts = [write("a.wav", [(1.0, 4.0, 1)]), write("b.wav", [(1.0, 4.0, 1)])]
    (voice,) = enroll(Diarizer(fake), {"ann": parts}).voices
    assert voice.seconds == pytest.approx(6, abs=0.1)
    assert np.linalg.norm(voice.vector) == pytest.approx(1, abs=1e-5)


def test_of_several_voices_the_longest_counts_and_is_told(fake, write) -> None:
    told: list[str] = []
    path = write("both.wav", [(1.0, 3.5, 3), (4.0, 10.0, 1)])
    (voice,) = enroll(Diarizer(fake), {"ann": [path]}, told.append).voices
    assert np.argmax(voice.vector) == 1
    assert len(told) == 1
    assert told[0].startswith(f"{path}: holds 2 voices: took the longest, 6.0 s of 8.")


def test_all_that_is_wrong_is_told_at_once(fake, write) -> None:
    wrong = {
        "ann": [write("short.wav", [(1.0, 4.0, 1)])],
        "bob": [write("hush.wav", [])],
        "cat": ["missing.wav"],
        "channel1": [write("good.wav", [(1.0, 9.0, 2)])],
    }
    with pytest.raises(FastdiarError, match="not enough") as caught:
        enroll(Diarizer(fake), wrong)
    said = str(caught.value).splitlines()
    assert said[0].startswith("ann: 3.0 s of speech are not enough: expected at least 5 s")
    assert said[1:] == [
        "bob: 0.0 s of speech are not enough: expected at least 5 s",
        "missing.wav: no such file",
        "a person's name must not be what somebody unknown is called: 'channel1'",
    ]
