"""The enhanced encoder: residual convolutions on the raw waveform."""

from __future__ import annotations

from math import prod

import attrs
from attrs import field, validators
from torch import Tensor

from fastdiar.core import checks
from fastdiar.core.interfaces import Encoder
from fastdiar.core.layers import ConvBlock, ResStack, keep_valid
from fastdiar.core.types import Frames


@attrs.frozen
class ResCnnConfig:
    """The original enhanced design; a larger `stem_stride`, fewer `channels` and earlier `strides` make it cheaper."""

    stem_channels: int = field(default=64, validator=validators.ge(1), metadata={"help": "channels of the first convolution"})
    stem_kernel: int = field(default=7, validator=checks.odd, metadata={"help": "length of the first convolution (samples, odd)"})
    stem_stride: int = field(default=1, validator=validators.ge(1), metadata={"help": "step of the first convolution (samples)"})
    stem_pool: int = field(default=4, validator=validators.ge(1), metadata={"help": "steps that the first MaxPool makes one"})
    channels: tuple[int, ...] = field(
        default=(128, 128, 256, 256, 512, 512, 512),
        validator=checks.positive_list,
        metadata={"help": "channels after each residual block"},
    )
    strides: tuple[int, ...] = field(
        default=(2, 1, 2, 1, 2, 1, 1),
        validator=[checks.positive_list, checks.one_per_block("channels")],
        metadata={"help": "step of each residual block; hop = stem_stride * stem_pool * their product (samples)"},
    )
    kernel: int = field(default=3, validator=checks.odd, metadata={"help": "length of the residual convolutions (steps, odd)"})


class ResCnn(Encoder):
    """A stem of Conv1D, BatchNorm, ReLU, MaxPool, then residual blocks: `[batch, samples]` → `[batch, frames, channels[-1]]`."""

    config_class = ResCnnConfig

    def __init__(self, config: ResCnnConfig) -> None:
        super().__init__()
        self.stem = ConvBlock(1, config.stem_channels, config.stem_kernel, config.stem_stride, config.stem_pool)
        self.blocks = ResStack(config.stem_channels, config.channels, config.strides, config.kernel)
        hop = config.stem_stride * config.stem_pool * prod(config.strides)
        first = config.stem_stride * (config.stem_pool - 1) / 2
        self.out = Frames(config.channels[-1], float(hop), first)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` → `[batch, frames, dim]`, `[batch]`; frames past a clip's length are zero."""
        x, lengths = self.stem(keep_valid(waveform[:, None], lengths), lengths)
        x, lengths = self.blocks(x, lengths)
        return x.transpose(1, 2), lengths
