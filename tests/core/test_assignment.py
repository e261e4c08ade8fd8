"""Any order of local voices is as good as any other."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.assignment import classes_of, reorderings
from fastdiar.core.powerset import powerset


def test_orders_of_two_speakers() -> None:
    """Nobody and both stay; one and the other change places."""
    assert reorderings(2, 2).tolist() == [[0, 1, 2, 3], [0, 2, 1, 3]]


@given(st.integers(1, 4), st.integers(1, 3))
def test_every_order_renames_each_class_once(speakers: int, at_once: int) -> None:
    classes = len(powerset(speakers, min(at_once, speakers)))
    for order in reorderings(speakers, min(at_once, speakers)).tolist():
        assert sorted(order) == list(range(classes))


@given(st.permutations([0, 1, 2]), st.lists(st.integers(0, 6), min_size=1, max_size=20))
def test_renaming_speakers_is_one_of_the_orders(names: list[int], frames: list[int]) -> None:
    activity = torch.tensor(powerset(3, 2)[frames])[None]
    renamed = classes_of(activity[..., names], 3, 2)[0].tolist()
    orders = reorderings(3, 2)
    assert any([order[place] for place in classes_of(activity, 3, 2)[0].tolist()] == renamed for order in orders.tolist())


def test_of_four_speakers_the_three_who_say_most_count() -> None:
    activity = torch.zeros(1, 10, 4)
    for speaker, frames in enumerate((4, 1, 3, 2)):
        start = (0, 4, 5, 8)[speaker]
        activity[0, start : start + frames, speaker] = 1
    classes = classes_of(activity, 3, 2)[0]
    assert classes[4] == 0
    assert len(set(classes.tolist()) - {0}) == 3


def test_of_three_at_once_two_count() -> None:
    assert powerset(3, 2)[classes_of(torch.ones(1, 1, 3), 3, 2)[0, 0]].sum() == 2


def test_fewer_speakers_than_classes_tell_apart() -> None:
    assert classes_of(torch.tensor([[[1.0], [0.0]]]), 3, 2).tolist() == [[1, 0]]
