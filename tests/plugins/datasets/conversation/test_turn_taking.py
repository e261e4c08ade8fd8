"""The rhythm of meetings, learnt and drawn anew."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdiar.core.errors import DataError
from fastdiar.core.types import Turn
from fastdiar.plugins.datasets.conversation.turn_taking import BREATH, draw_slots, learn_rhythm, learn_rhythms

TURNS = [
    Turn(0.0, 4.0, "a"),
    Turn(1.0, 1.5, "b"),
    Turn(4.5, 7.5, "b"),
    Turn(7.0, 9.5, "a"),
    Turn(10.5, 12.0, "a"),
    Turn(12.2, 13.0, "a"),
    Turn(13.5, 15.0, "c"),
]


def test_floor_turns_know_who_when_and_how_long() -> None:
    floor = [(turn.who, turn.gap, turn.seconds) for turn in learn_rhythm(TURNS).floor]
    expected = [("other", 0.5, 3.0), ("previous", -0.5, 2.5), ("same", 1.0, 2.5), ("other", 0.5, 1.5)]
    assert [who for who, _, _ in floor] == [who for who, _, _ in expected]
    assert [numbers for _, *numbers in floor] == [pytest.approx(numbers) for _, *numbers in expected]


def test_a_turn_inside_anothers_speech_does_not_take_the_floor() -> None:
    assert learn_rhythm(TURNS).inside == (0.5,)


@settings(max_examples=60, deadline=None)
@given(people=st.integers(1, 9), seconds=st.floats(2, 120), seed=st.integers(0, 99))
def test_drawn_meetings_fit_and_nobody_overlaps_himself(people: int, seconds: float, seed: int) -> None:
    slots = draw_slots(learn_rhythm(TURNS), people, seconds, np.random.default_rng(seed))
    assert slots == sorted(slots, key=lambda slot: slot.start)
    for person in range(people):
        mine = [slot for slot in slots if slot.person == person]
        assert all(after.start >= before.end + BREATH - 1e-9 for before, after in pairwise(mine))
    assert all(0 <= slot.start < slot.end <= seconds and 0 <= slot.person < people for slot in slots)


def test_everyone_gets_the_floor_in_a_long_meeting() -> None:
    slots = draw_slots(learn_rhythm(TURNS), 5, 600.0, np.random.default_rng(0))
    assert {slot.person for slot in slots} == set(range(5))


def test_meetings_drawn_like_ami_have_its_silence_and_overlap(shared: Path) -> None:
    rhythms = learn_rhythms(shared / "data" / "ami" / "setup" / "only_words" / "rttms" / "train")
    random = np.random.default_rng(0)
    active = np.zeros((len(rhythms), 30_000), int)
    for meeting, rhythm in zip(active, rhythms, strict=True):
        for slot in draw_slots(rhythm, 4, 300.0, random):
            meeting[int(slot.start * 100) : int(slot.end * 100)] += 1
    # AMI's training meetings: nobody speaks 18 % of the time, overlap is 13 % of speech.
    assert np.mean(active == 0) == pytest.approx(0.18, abs=0.04)
    assert np.sum(active > 1) / np.sum(active > 0) == pytest.approx(0.13, abs=0.04)


def test_a_folder_without_conversations(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected RTTM files"):
        learn_rhythms(tmp_path)
    (tmp_path / "alone.rttm").write_text("SPEAKER m 1 0.0 2.0 <NA> <NA> a <NA> <NA>\n")
    with pytest.raises(DataError, match="none in which a turn follows another"):
        learn_rhythms(tmp_path)
