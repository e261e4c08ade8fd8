"""Bootstrap intervals of ratios."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.evaluation.intervals import ratio_interval

files = st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 10)), min_size=2, max_size=6)


@given(files)
def test_it_lies_between_the_best_and_the_worst_file(pairs: list[tuple[float, float]]) -> None:
    parts, wholes = zip(*pairs, strict=True)
    found = ratio_interval(parts, wholes)
    assert found is not None
    shares = [part / whole for part, whole in pairs]
    assert min(shares) - 1e-9 <= found.low <= found.high <= max(shares) + 1e-9


def test_it_is_as_wide_as_theory_says_and_repeats_itself() -> None:
    hits = np.random.default_rng(0).random(400) < 0.3
    found = ratio_interval(hits, np.ones(400))
    deviation = np.sqrt(hits.mean() * (1 - hits.mean()) / 400)
    assert found is not None
    assert [found.low, found.high] == pytest.approx([hits.mean() - 1.96 * deviation, hits.mean() + 1.96 * deviation], abs=0.01)
    assert found == ratio_interval(hits, np.ones(400))


def test_one_file_tells_nothing_of_others() -> None:
    assert ratio_interval([1.0], [2.0]) is None
    assert ratio_interval([1.0, 0.0], [2.0, 0.0]) is None
