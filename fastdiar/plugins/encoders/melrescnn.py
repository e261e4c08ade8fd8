"""Residual convolutions on a log-mel spectrogram: learns from far less speech than the raw waveform needs."""

from __future__ import annotations

from math import prod

import attrs
from attrs import field, validators
from torch import Tensor

from fastdiar.core import checks
from fastdiar.core.interfaces import Encoder
from fastdiar.core.layers import ConvBlock, ResStack
from fastdiar.core.spectrum import FFT, LogMel
from fastdiar.core.types import Frames


@attrs.frozen
class MelResCnnConfig:
    """A frame every 20 ms (320 samples) from a spectrogram with one every 10 ms."""

    mels: int = field(default=80, validator=[validators.ge(8), validators.le(128)], metadata={"help": "mel bands, 20 to 7600 Hz"})
    window: int = field(
        default=400,
        validator=[validators.ge(64), validators.le(FFT)],
        metadata={"help": "length of a spectrum's window (samples)"},
    )
    hop: int = field(default=160, validator=validators.ge(1), metadata={"help": "from one spectrum to the next (samples)"})
    stem_channels: int = field(default=128, validator=validators.ge(1), metadata={"help": "channels of the first convolution"})
    stem_kernel: int = field(default=5, validator=checks.odd, metadata={"help": "length of the first convolution (spectra, odd)"})
    channels: tuple[int, ...] = field(
        default=(128, 192, 192, 192), validator=checks.positive_list, metadata={"help": "channels after each residual block"}
    )
    strides: tuple[int, ...] = field(
        default=(1, 2, 1, 1),
        validator=[checks.positive_list, checks.one_per_block("channels")],
        metadata={"help": "step of each residual block; hop of the frames = hop * their product"},
    )
    kernel: int = field(default=3, validator=checks.odd, metadata={"help": "length of the residual convolutions (steps, odd)"})

    @hop.validator
    def _centred_in_window(self, attribute: attrs.Attribute, value: int) -> None:
        if value > self.window or (self.window - value) % 2:
            raise ValueError(f"must be at most 'window' ({self.window}), and even or odd as it is: {value}")


class MelResCnn(Encoder):
    """Log-mel, a stem of Conv1D, BatchNorm, ReLU, then residual blocks: `[batch, samples]` → `[batch, frames, channels[-1]]`."""

    config_class = MelResCnnConfig

    def __init__(self, config: MelResCnnConfig) -> None:
        super().__init__()
        self.mel = LogMel(config.mels, config.window, config.hop)
        self.stem = ConvBlock(config.mels, config.stem_channels, config.stem_kernel)
        self.blocks = ResStack(config.stem_channels, config.channels, config.strides, config.kernel)
        self.out = Frames(config.channels[-1], float(config.hop * prod(config.strides)), (config.hop - 1) / 2)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` → `[batch, frames, dim]`, `[batch]`; frames past a clip's length are zero."""
        x, lengths = self.mel(waveform, lengths)
        x, lengths = self.stem(x, lengths)
        x, lengths = self.blocks(x, lengths)
        return x.transpose(1, 2), lengths
