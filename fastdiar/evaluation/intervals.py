"""How far a figure may be off: bootstrap confidence intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 2000


@attrs.frozen
class Interval:
    """Where a figure lies with a confidence of 95 %."""

    low: float
    high: float


def ratio_interval(parts: Sequence[float], wholes: Sequence[float], seed: int = 0) -> Interval | None:
    """The interval of sum(parts) / sum(wholes), resampling their pairs: files, or speakers. None for fewer than two pairs."""
    kept = [(part, whole) for part, whole in zip(parts, wholes, strict=True) if whole > 0]
    if len(kept) < 2:
        return None
    found = stats.bootstrap(
        tuple(np.array(kept).T),
        lambda part, whole, axis: part.sum(axis) / whole.sum(axis),
        paired=True,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    # Where all files are alike, rounding may put the bounds in the wrong order.
    return Interval(*sorted((float(found.low), float(found.high))))
