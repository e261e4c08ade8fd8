"""The pooling `acme/attentive_statistics`."""

from __future__ import annotations

import attrs
import torch
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core.interfaces import Pooling
from fastdiar.core.layers import NEVER, full_precision, shares
from fastdiar.core.types import Frames

SMALLEST_VARIANCE = 1e-4
"""Keeps the root's slope finite where all frames are equal."""


@attrs.frozen
class AttentiveStatisticsConfig:
    """How much thought goes into a frame's weight."""

    hidden: int = field(default=64, validator=validators.ge(1), metadata={"help": "size of the layer that judges a frame"})


class AttentiveStatistics(Pooling):
    """Mean and standard deviation under an attention over frames (Okabe et al., Interspeech 2018).

    `[batch, frames, dim]`, `[batch, speakers, frames]` → `[batch, speakers, 2 * dim]`.
    """

    config_class = AttentiveStatisticsConfig

    def __init__(self, config: AttentiveStatisticsConfig, frames: Frames) -> None:
        super().__init__()
        self.judge = nn.Sequential(nn.Linear(frames.dim, config.hidden), nn.Tanh(), nn.Linear(config.hidden, 1, bias=False))
        self.out = 2 * frames.dim

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `weights [batch, speakers, frames]` ≥ 0 → `[batch, speakers, 2 * dim]`."""
        # The square of the mean is taken off the mean of the squares, which half precision cannot do.
        with full_precision(frames):
            frames, weights = frames.float(), weights.float()
            scores = torch.where(weights > 0, self.judge(frames).transpose(1, 2), NEVER)
            attention = shares(scores.softmax(-1) * weights)
            mean = attention @ frames
            variance = attention @ frames.square() - mean.square()
            return torch.cat((mean, variance.clamp(min=SMALLEST_VARIANCE).sqrt()), dim=-1)
