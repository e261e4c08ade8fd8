"""The mean of a speaker's frames."""

from __future__ import annotations

import attrs
from torch import Tensor

from fastdiar.core.interfaces import Pooling
from fastdiar.core.layers import shares
from fastdiar.core.types import Frames


@attrs.frozen
class AverageConfig:
    """Nothing to set."""


class Average(Pooling):
    """The weighted mean: `[batch, frames, dim]`, `[batch, speakers, frames]` → `[batch, speakers, dim]`; zero without weight."""

    config_class = AverageConfig

    def __init__(self, config: AverageConfig, frames: Frames) -> None:
        super().__init__()
        self.out = frames.dim

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `weights [batch, speakers, frames]` ≥ 0 → `[batch, speakers, dim]`."""
        return shares(weights).to(frames.dtype) @ frames
