"""A few of many things, and the middle of a long sound."""

from __future__ import annotations

import numpy as np
import pytest

from fastdiar.core.excerpts import evenly, middle
from fastdiar.core.types import RATE


@pytest.mark.parametrize(("count", "most", "taken"), [(9, 3, [0, 4, 8]), (2, 5, [0, 1]), (5, 1, [0]), (0, 3, [])])
def test_a_few_lie_evenly_from_the_first_to_the_last(count: int, most: int, taken: list[int]) -> None:
    assert evenly(range(count), most) == taken


def test_the_middle_of_a_sound_is_as_long_as_asked_for_or_all_of_it() -> None:
    samples = np.arange(2 * RATE)
    assert middle(samples, 1.0).tolist() == list(range(RATE // 2, RATE // 2 + RATE))
    assert len(middle(samples, 3.0)) == 2 * RATE
