"""The powerset's classes, in the order that segmentation networks are trained with."""

from __future__ import annotations

import numpy as np
import pytest

from fastdiar.core.powerset import likeliest, powerset, solo


def test_three_speakers_two_at_once_have_seven_classes() -> None:
    expected = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]]
    assert powerset(3, 2).tolist() == expected


@pytest.mark.parametrize(("speakers", "at_once", "classes"), [(2, 1, 3), (3, 3, 8), (4, 2, 11), (5, 1, 6)])
def test_class_counts(speakers: int, at_once: int, classes: int) -> None:
    groups = powerset(speakers, at_once)
    assert groups.shape == (classes, speakers)
    assert len(np.unique(groups, axis=0)) == classes
    assert groups.sum(axis=1).max() == at_once


def test_solo_is_the_likeliest_single_speaker() -> None:
    activity = np.eye(7)[[0, 1, 3, 4, 6]]
    assert solo(likeliest(activity, powerset(3, 2))).tolist() == [-1, 0, 2, -1, -1]
