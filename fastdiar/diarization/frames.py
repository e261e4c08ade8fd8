"""Frames on a recording's clock. What has a `hop` and a `first`, in samples, is a grid: frame i is centred on first + i·hop."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Grid(Protocol):
    """`hop` samples from one frame to the next, the first centred on sample `first`."""

    @property
    def hop(self) -> float:
        """Samples from one frame to the next."""

    @property
    def first(self) -> float:
        """The sample on which frame 0 is centred."""


def centres(grid: Grid, count: int) -> np.ndarray:
    """The centres of `count` frames, in samples `[count]`."""
    return grid.first + np.arange(count) * grid.hop


def nearest(grid: Grid, positions: np.ndarray, count: int) -> np.ndarray:
    """Which of `count` frames is nearest to each position (samples): int, shaped as `positions`."""
    return np.clip(np.rint((positions - grid.first) / grid.hop), 0, count - 1).astype(int)
