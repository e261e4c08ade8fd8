"""The mean of a speaker's frames, where a small network says how much each frame tells."""

from __future__ import annotations

import attrs
import torch
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core.interfaces import Pooling
from fastdiar.core.layers import NEVER, shares
from fastdiar.core.types import Frames


@attrs.frozen
class AttentionConfig:
    """Temporal attention with one hidden layer."""

    hidden: int = field(default=128, validator=validators.ge(1), metadata={"help": "size of the layer that judges a frame"})


class Attention(Pooling):
    """Attentive mean (Okabe et al., Attentive statistics pooling, Interspeech 2018, without its deviation).

    Each speaker's attention is a softmax over the frames with weight, times their weights, made to sum to one:
    `[batch, frames, dim]`, `[batch, speakers, frames]` → `[batch, speakers, dim]`; zero for a speaker without weight.
    """

    config_class = AttentionConfig

    def __init__(self, config: AttentionConfig, frames: Frames) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(frames.dim, config.hidden), nn.Tanh(), nn.Linear(config.hidden, 1, bias=False))
        self.out = frames.dim

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `weights [batch, speakers, frames]` ≥ 0 → `[batch, speakers, dim]`."""
        # [batch, frames, 1] -> [batch, 1, frames] -> [batch, speakers, frames]
        scores = torch.where(weights > 0, self.score(frames).float().transpose(1, 2), NEVER)
        return shares(scores.softmax(-1) * weights).to(frames.dtype) @ frames
