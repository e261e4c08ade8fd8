"""The mean of a speaker's frames, and how much they vary."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from fastdiar.core.interfaces import Pooling
from fastdiar.core.layers import full_precision, shares
from fastdiar.core.types import Frames

SMALLEST_VARIANCE = 1e-4
"""Keeps the root's slope finite where all frames are equal."""


@attrs.frozen
class StatisticsConfig:
    """Nothing to set."""


class Statistics(Pooling):
    """Weighted mean and standard deviation (Snyder et al., X-vectors, ICASSP 2018).

    `[batch, frames, dim]`, `[batch, speakers, frames]` → `[batch, speakers, 2 * dim]`.
    """

    config_class = StatisticsConfig

    def __init__(self, config: StatisticsConfig, frames: Frames) -> None:
        super().__init__()
        self.out = 2 * frames.dim

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `weights [batch, speakers, frames]` ≥ 0 → `[batch, speakers, 2 * dim]`."""
        # The square of the mean is taken off the mean of the squares, which half precision cannot do.
        with full_precision(frames):
            frames, weights = frames.float(), shares(weights.float())
            mean = weights @ frames
            variance = weights @ frames.square() - mean.square()
            return torch.cat((mean, variance.clamp(min=SMALLEST_VARIANCE).sqrt()), dim=-1)
