"""A recurrent layer in both directions: smooths frames over time."""

from __future__ import annotations

import attrs
import torch
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core.interfaces import TemporalBlock
from fastdiar.core.layers import frame_mask
from fastdiar.core.types import Frames


@attrs.frozen
class BiGruConfig:
    """One layer each way."""

    hidden: int = field(default=256, validator=validators.ge(1), metadata={"help": "numbers a frame and direction"})


class BiGru(TemporalBlock):
    """Two one-way GRUs (Cho et al., 2014), one hearing each clip backwards: `[batch, frames, dim]` → `[…, 2 * hidden]`.

    Each clip is turned round within its own length, so the backward GRU starts at its last frame and not in its padding;
    packed sequences do the same but do not export to ONNX.
    """

    config_class = BiGruConfig

    def __init__(self, config: BiGruConfig, frames: Frames) -> None:
        super().__init__()
        self.ahead = nn.GRU(frames.dim, config.hidden, batch_first=True)
        self.back = nn.GRU(frames.dim, config.hidden, batch_first=True)
        self.out = attrs.evolve(frames, dim=2 * config.hidden)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `[batch]` → `[batch, frames, 2 * hidden]`; frames past a clip's length are zero."""
        ahead, _ = self.ahead(frames)
        back, _ = self.back(turned_round(frames, lengths))
        both = torch.cat((ahead, turned_round(back, lengths)), dim=-1)
        return both * frame_mask(lengths, frames.shape[1])[..., None]


def turned_round(frames: Tensor, lengths: Tensor) -> Tensor:
    """Each clip's frames in reverse order, its padding where it was: `[batch, frames, dim]`, `[batch]` → the same shape."""
    step = torch.arange(frames.shape[1], device=frames.device)
    last = lengths[:, None] - 1
    source = torch.where(step <= last, last - step, step)
    return frames.gather(1, source[..., None].expand(-1, -1, frames.shape[2]))
