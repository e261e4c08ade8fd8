"""The baseline encoder: plain convolution blocks on the raw waveform."""

from __future__ import annotations

import attrs
from attrs import field
from torch import Tensor, nn

from fastdiar.core import checks
from fastdiar.core.interfaces import Encoder
from fastdiar.core.layers import ConvBlock, keep_valid
from fastdiar.core.types import Frames


@attrs.frozen
class CnnConfig:
    """Six blocks, a frame every 512 samples (32 ms)."""

    channels: tuple[int, ...] = field(
        default=(64, 128, 256, 512, 512, 512), validator=checks.positive_list, metadata={"help": "channels after each block"}
    )
    kernels: tuple[int, ...] = field(
        default=(3, 3, 3, 3, 3, 3),
        validator=[checks.odd, checks.one_per_block("channels")],
        metadata={"help": "length of each block's convolution (steps, odd)"},
    )
    pools: tuple[int, ...] = field(
        default=(4, 4, 4, 2, 2, 2),
        validator=[checks.positive_list, checks.one_per_block("channels")],
        metadata={"help": "steps each block's MaxPool makes one; their product is the hop (samples)"},
    )


class Cnn(Encoder):
    """Blocks of Conv1D, BatchNorm, ReLU and MaxPool: `[batch, samples]` → `[batch, frames, channels[-1]]`."""

    config_class = CnnConfig

    def __init__(self, config: CnnConfig) -> None:
        super().__init__()
        before = (1, *config.channels[:-1])
        self.blocks = nn.ModuleList(
            ConvBlock(channels, out, kernel, pool=pool)
            for channels, out, kernel, pool in zip(before, config.channels, config.kernels, config.pools, strict=True)
        )
        hop, first = 1, 0.0
        for pool in config.pools:
            first += hop * (pool - 1) / 2
            hop *= pool
        self.out = Frames(config.channels[-1], float(hop), first)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` → `[batch, frames, dim]`, `[batch]`; frames past a clip's length are zero."""
        x = keep_valid(waveform[:, None], lengths)
        for block in self.blocks:
            x, lengths = block(x, lengths)
        return x.transpose(1, 2), lengths
