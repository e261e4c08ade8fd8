"""People keep their names."""

from __future__ import annotations

from itertools import count

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.live.names import numbers_of, within


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.permutations(range(5)))
def test_the_same_people_in_another_order_keep_their_numbers(who: list[int], order: list[int]) -> None:
    people = np.unique(who)
    spoken = {10 + person: [(place, place + 0.9) for place, each in enumerate(who) if each == person] for person in people}
    shuffled = {person: label for label, person in enumerate(sorted(people, key=lambda person: order[person]))}
    labels = np.array([shuffled[person] for person in who])
    numbers = numbers_of(labels, np.arange(len(who)) + 0.5, np.ones(len(who)), [spoken], lambda: 1 / 0)
    assert [numbers[label] for label in labels] == [10 + person for person in who]


def test_of_two_who_were_one_the_longer_keeps_the_number_and_the_other_is_new() -> None:
    spoken = {3: [(0.0, 10.0)]}
    at = np.arange(10) + 0.5
    assert numbers_of((at > 4).astype(int), at, np.ones(10), [spoken], count(7).__next__) == [7, 3]


def test_of_one_who_was_two_the_longer_number_stays() -> None:
    spoken = {0: [(0.0, 3.0)], 1: [(3.0, 10.0)]}
    at = np.arange(10) + 0.5
    assert numbers_of(np.zeros(10, int), at, np.ones(10), [spoken], lambda: 1 / 0) == [1]


def test_what_was_said_at_first_counts_as_much_as_all_corrections_since() -> None:
    at_first, corrected = {0: [(0.0, 6.0)], 1: [(6.0, 10.0)]}, {0: [(0.0, 5.0)], 2: [(5.0, 10.0)]}
    at = np.arange(10) + 0.5
    assert numbers_of(np.zeros(10, int), at, np.ones(10), [at_first, corrected], lambda: 1 / 0) == [0]
    assert numbers_of((at > 5).astype(int), at, np.ones(10), [at_first, corrected], lambda: 1 / 0) == [0, 2]


def test_weights_count_and_nobody_has_no_number() -> None:
    spoken = {0: [(0.0, 2.0)], 1: [(2.0, 3.0)]}
    at = np.array([0.5, 1.5, 2.5])
    assert numbers_of(np.zeros(3, int), at, np.array([1.0, 1.0, 5.0]), [spoken], lambda: 1 / 0) == [1]
    assert numbers_of(np.zeros(0, int), np.zeros(0), np.zeros(0), [spoken], lambda: 1 / 0) == []


def test_moments_within_stretches() -> None:
    assert within(np.array([0.0, 1.0, 2.0, 3.0, 9.0]), [(2.5, 4.0), (0.5, 1.0)]).tolist() == [False, True, False, True, False]
    assert within(np.array([3.0, 7.0, 9.0]), [(0.0, 8.0), (1.0, 2.0)]).tolist() == [True, True, False]
    assert not within(np.array([1.0]), []).any()
