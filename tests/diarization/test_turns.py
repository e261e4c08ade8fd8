"""From frames to turns: named, closed, cleaned, within the recording."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.bundle import Activity
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE, Turn
from fastdiar.diarization.turns import turns_of

GRID = Activity(hop=RATE // 100, first=RATE // 200)  # a hundred frames a second, the first from 0 to 10 ms


def turns(
    *runs: list[tuple[int, int]], frames: int = 1000, seconds: float = 10.0, settings: WalkSettings | None = None
) -> list[Turn]:
    """Each person's runs are (first frame, frame after the last)."""
    active = np.zeros((frames, len(runs)), bool)
    for person, stretches in enumerate(runs):
        for first, after in stretches:
            active[first:after, person] = True
    return turns_of(active, np.full(active.shape, 0.75), GRID, settings or WalkSettings(), seconds)[0]


def test_people_are_named_in_order_of_their_first_turn() -> None:
    assert turns([(300, 400)], [(0, 100)], [(150, 250)]) == [
        Turn(0.0, 1.0, "speaker1", 0.75),
        Turn(1.5, 2.5, "speaker2", 0.75),
        Turn(3.0, 4.0, "speaker3", 0.75),
    ]


def test_short_gaps_are_closed_and_longer_ones_are_not() -> None:
    assert [(turn.start, turn.end) for turn in turns([(0, 100), (114, 200), (215, 300)])] == [(0.0, 2.0), (2.15, 3.0)]


def test_short_turns_are_dropped_and_have_no_name() -> None:
    assert turns([(0, 9)], [(100, 110)]) == [Turn(1.0, 1.1, "speaker1", 0.75)]


def test_a_gap_is_closed_before_turns_are_dropped() -> None:
    assert [(turn.start, turn.end) for turn in turns([(0, 6), (12, 18)])] == [(0.0, 0.18)]


def test_turns_end_with_the_recording() -> None:
    assert turns([(900, 1000)], seconds=9.5)[0].end == 9.5


def test_confidence_is_the_mean_over_the_turn_and_at_most_one() -> None:
    confidence = np.repeat([[0.4], [0.8], [3.0]], [50, 50, 100], axis=0)
    active = np.ones((200, 1), bool)
    assert turns_of(active[:100], confidence[:100], GRID, WalkSettings(), 10.0)[0][0].confidence == 0.6
    assert turns_of(active, confidence, GRID, WalkSettings(), 10.0)[0][0].confidence == 1.0


def test_nobody_has_no_turns() -> None:
    assert turns() == turns([]) == []


@given(st.lists(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60)), max_size=8), max_size=4))
def test_turns_are_in_order_and_one_persons_never_touch(runs: list[list[tuple[int, int]]]) -> None:
    settings = WalkSettings()
    found = turns(*([(first, first + frames) for first, frames in one] for one in runs), frames=500, seconds=5.0)
    assert [turn.start for turn in found] == sorted(turn.start for turn in found)
    assert list(dict.fromkeys(turn.speaker for turn in found)) == [
        f"speaker{n + 1}" for n in range(len({t.speaker for t in found}))
    ]
    for turn in found:
        assert 0 <= turn.start < turn.end <= 5.0
        assert turn.duration >= settings.shortest_turn - 1e-9
    for speaker in {turn.speaker for turn in found}:
        mine = [turn for turn in found if turn.speaker == speaker]
        assert all(after.start - before.end >= settings.fill_gap - 0.006 for before, after in itertools.pairwise(mine))
