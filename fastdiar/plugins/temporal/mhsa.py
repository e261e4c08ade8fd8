"""Self-attention over time: this voice now matches that voice then."""

from __future__ import annotations

import attrs
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core.interfaces import TemporalBlock
from fastdiar.core.layers import NEVER, frame_mask, keep_valid
from fastdiar.core.types import Frames


@attrs.frozen
class MhsaConfig:
    """Multi-head self-attention."""

    heads: int = field(default=4, validator=validators.ge(1), metadata={"help": "attention heads; must divide the frames' dim"})


class Mhsa(TemporalBlock):
    """Attention with a shortcut, then LayerNorm (Vaswani et al., 2017): `[batch, frames, dim]` → the same shape.

    Raises `ValueError` where the heads do not divide the dim.
    """

    config_class = MhsaConfig

    def __init__(self, config: MhsaConfig, frames: Frames) -> None:
        super().__init__()
        if frames.dim % config.heads:
            raise ValueError(f"{config.heads} heads do not divide frames of {frames.dim} numbers")
        self.heads = config.heads
        self.project = nn.Linear(frames.dim, 3 * frames.dim)
        self.merge = nn.Linear(frames.dim, frames.dim)
        self.norm = nn.LayerNorm(frames.dim)
        self.out = attrs.evolve(frames, voice=None)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `[batch]` → `[batch, frames, dim]`; frames past a clip's length are zero.

        Exported graphs hear clips without padding.
        """
        # [batch, frames, 3 * dim] -> 3 x [batch, heads, frames, dim / heads]
        query, key, value = self.project(frames).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()
        heard = F.scaled_dot_product_attention(query, key, value, attn_mask=_padding(lengths, query))
        heard = self.merge(heard.transpose(1, 2).flatten(2))
        return keep_valid(self.norm(frames + heard).transpose(1, 2), lengths).transpose(1, 2)


def _padding(lengths: Tensor, query: Tensor) -> Tensor | None:
    """What is added to scores, so that nobody attends to padding: `[batch, heads, frames, dim]` → `[batch, 1, 1, frames]`."""
    if torch.compiler.is_exporting():
        return None
    return (~frame_mask(lengths, query.shape[2])).to(query.dtype)[:, None, None] * NEVER
