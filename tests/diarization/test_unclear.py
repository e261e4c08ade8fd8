"""A voice that is never alone: whose is it?"""

from __future__ import annotations

import attrs
import numpy as np

from fastdiar.core.bundle import Activity
from fastdiar.core.powerset import powerset
from fastdiar.core.types import RATE
from fastdiar.diarization.hear import Heard, Unclear
from fastdiar.diarization.unclear import with_unclear
from fastdiar.diarization.walk import windows_of

GRID = Activity(hop=RATE // 10, first=RATE // 20)
PEOPLE = np.eye(4, dtype=np.float32)


def chunk(mixture: np.ndarray, beside: bool = True) -> Heard:
    """Ten seconds: person 0 is local speaker 0, persons 1 (at 1 s) and 2 (8 s) are 1; from 4 to 6 s 2 speaks, a `mixture`."""
    classes = powerset(3, 2).astype(int).tolist()
    groups = [[1, 0, 0]] * 40 + [[int(beside), 0, 1]] * 20 + [[0, 1, 0]] * 40
    activity = np.eye(len(classes), dtype=np.float16)[[classes.index(group) for group in groups]]
    centre = np.array([3.0, 1.0, 8.0]) * RATE
    unclear = Unclear(mixture[None] / np.linalg.norm(mixture), np.array([2]), np.array([5.0 * RATE]))
    return Heard(0, 10 * RATE, activity, PEOPLE[:3], np.array([0, 1, 1]), centre, np.ones(3), unclear)


def found(heard: Heard) -> int:
    """Whose the unclear voice is."""
    [whole], people = with_unclear([heard], windows_of([heard]), np.arange(3), GRID)
    assert whole.local.tolist() == [0, 1, 1, 2]
    assert people[:3].tolist() == [0, 1, 2]
    return int(people[3])


def test_it_is_not_the_one_who_speaks_beside_it_but_whom_the_rest_is_like() -> None:
    assert found(chunk(PEOPLE[0] + 0.5 * PEOPLE[1])) == 1
    assert found(chunk(PEOPLE[0] + 0.5 * PEOPLE[2])) == 2


def test_where_nobody_speaks_beside_it_it_may_be_anybody() -> None:
    assert found(chunk(PEOPLE[0] + 0.5 * PEOPLE[1], beside=False)) == 0


def test_where_the_voice_says_nothing_it_is_who_spoke_just_then() -> None:
    assert found(chunk(PEOPLE[3])) == 2


def test_of_one_person_it_stays_nobodys() -> None:
    heard = chunk(PEOPLE[1])
    alone = attrs.evolve(heard, vectors=PEOPLE[:1], local=heard.local[:1], centre=heard.centre[:1], seconds=heard.seconds[:1])
    [whole], people = with_unclear([alone], windows_of([alone]), np.zeros(1, int), GRID)
    assert whole is alone
    assert people.tolist() == [0]


def test_where_nothing_was_heard_nothing_is_found() -> None:
    heard = chunk(PEOPLE[1])
    silent = attrs.evolve(heard, vectors=PEOPLE[:0], local=heard.local[:0], centre=heard.centre[:0], seconds=heard.seconds[:0])
    assert len(with_unclear([silent], windows_of([silent]), np.zeros(0, int), GRID)[1]) == 0
