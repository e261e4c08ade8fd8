"""Each window goes to the nearest voice, or is a new one."""

from __future__ import annotations

import numpy as np

from fastdiar.live.people import NOBODY, People

ANN, BOB = np.eye(4, dtype=np.float32)[:2]


def test_who_sounds_like_nobody_is_new_and_who_sounds_like_somebody_is_not() -> None:
    people = People(4, new_below=0.5, least_seconds=0.8)
    both = (0.8 * ANN + 0.6 * BOB).astype(np.float32)
    assert [people.number(vector, 1.0) for vector in (ANN, BOB, both, BOB)] == [0, 1, 0, 1]


def test_a_window_too_short_to_be_of_somebody_new_is_nobodys() -> None:
    people = People(4, new_below=0.5, least_seconds=0.8)
    heard = ((ANN, 0.4), (BOB, 0.4), (ANN, 0.8), (BOB, 0.4), (ANN, 0.4), (BOB, 0.8), (BOB, 0.4))
    assert [people.number(vector, seconds) for vector, seconds in heard] == [NOBODY, NOBODY, 0, NOBODY, 0, 1, 1]


def test_voices_that_were_replaced_are_forgotten_and_numbers_never_used_again() -> None:
    people = People(4, new_below=0.5, least_seconds=0.0)
    assert people.nearest(np.stack([ANN])).tolist() == [NOBODY]
    people.number(ANN, 1.0)
    people.number(BOB, 1.0)
    people.replace([people.new()], np.stack([ANN]))
    assert people.nearest(np.stack([ANN, BOB])).tolist() == [2, 2]
    assert people.number(BOB, 1.0, before=1) == 1  # not among the voices any more, so free
    assert people.number(np.eye(4, dtype=np.float32)[2], 1.0, before=2) == 3
