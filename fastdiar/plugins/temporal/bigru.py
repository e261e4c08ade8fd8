"""A recurrent layer in both directions: smooths frames over time."""

from __future__ import annotations

import attrs
from attrs import field, validators
from torch import Tensor

from fastdiar.core.interfaces import TemporalBlock
from fastdiar.core.recurrent import BothWays
from fastdiar.core.types import Frames


@attrs.frozen
class BiGruConfig:
    """One layer each way."""

    hidden: int = field(default=256, validator=validators.ge(1), metadata={"help": "numbers a frame and direction"})


class BiGru(TemporalBlock):
    """A GRU each way: `[batch, frames, dim]` → `[batch, frames, 2 * hidden]`."""

    config_class = BiGruConfig

    def __init__(self, config: BiGruConfig, frames: Frames) -> None:
        super().__init__()
        self.both_ways = BothWays(frames.dim, config.hidden)
        self.out = attrs.evolve(frames, dim=2 * config.hidden, voice=None)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `[batch]` → `[batch, frames, 2 * hidden]`; frames past a clip's length are zero."""
        return self.both_ways(frames, lengths)
