"""A few of many things, and the middle of a long sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from fastdiar.core.types import RATE

T = TypeVar("T")


def evenly(items: Sequence[T], most: int) -> list[T]:
    """`most` of the items in even steps from the first to the last; all of them where they are fewer."""
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[place] for place in places]


def middle(samples: np.ndarray, seconds: float) -> np.ndarray:
    """So many `seconds` from the middle of `[samples]` at 16 kHz; all of it where it is shorter."""
    length = round(seconds * RATE)
    start = max(0, len(samples) - length) // 2
    return samples[start : start + length]
