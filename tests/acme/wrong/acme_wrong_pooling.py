"""The pooling `wrong/long`, which looks whole until it is tried."""

from __future__ import annotations

import attrs
from torch import Tensor

from fastdiar.core.interfaces import Pooling
from fastdiar.core.layers import shares
from fastdiar.core.types import Frames


@attrs.frozen
class LongConfig:
    """Nothing to choose."""


class Long(Pooling):
    """The mean, and one number that never comes."""

    config_class = LongConfig

    def __init__(self, config: LongConfig, frames: Frames) -> None:
        super().__init__()
        self.out = frames.dim + 1

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """`[batch, speakers, dim]`, one too few."""
        return shares(weights) @ frames
