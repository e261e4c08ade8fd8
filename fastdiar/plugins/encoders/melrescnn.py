"""Residual convolutions on a log-mel spectrogram: learns from far less speech than the raw waveform needs."""

from __future__ import annotations

from math import pi, prod

import attrs
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import checks
from fastdiar.core.interfaces import Encoder
from fastdiar.core.layers import ConvBlock, ResStack, frame_count, frame_mask, full_precision, keep_valid
from fastdiar.core.types import RATE, Frames

FFT = 512
LOUDEST = 32768.0
"""Samples are counted in steps of 16-bit sound, which keeps every constant here within half precision."""
FLOOR = 10.0
"""Added to the mel power before its logarithm: about what rounding to 16 bits leaves of silence. onnxruntime drops a 1e-8."""


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


class LogMel(nn.Module):
    """Log-mel power with each band's mean over the clip taken off: `[batch, samples]` → `[batch, mels, spectra]`.

    The Fourier transform is a convolution with cosines and sines, so that it exports as one operator. Spectrum `t` is
    centred on the `hop` samples that it stands for. Taking the mean off undoes a recording's gain and channel.
    """

    def __init__(self, mels: int, window: int, hop: int) -> None:
        super().__init__()
        self.hop = hop
        self.side = (window - hop) // 2
        self.register_buffer("fourier", fourier_kernels(window), persistent=False)
        self.register_buffer("bands", mel_bands(mels), persistent=False)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` → `[batch, mels, spectra]`, lengths in spectra."""
        # Powers span more than half precision holds.
        with full_precision(waveform):
            x = keep_valid(waveform.float()[:, None] * LOUDEST, lengths)
            padded = F.pad(x, (self.side, self.side + self.hop - 1))
            spectrum = F.conv1d(padded, self.fourier, stride=self.hop)
            real, imaginary = spectrum.chunk(2, dim=1)
            log_mel = torch.log(self.bands @ (real.square() + imaginary.square()) + FLOOR)
            lengths = frame_count(lengths, self.hop)
            mask = frame_mask(lengths, log_mel.shape[-1])[:, None].float()
            mean = (log_mel * mask).sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
            return (log_mel - mean) * mask, lengths


def fourier_kernels(window: int) -> Tensor:
    """Cosines, then sines, of a 512-point transform under a Hann window: `[514, 1, window]`."""
    step = torch.arange(window, dtype=torch.float64) - (window - 1) / 2
    angle = 2 * pi / FFT * torch.arange(FFT // 2 + 1, dtype=torch.float64)[:, None] * step
    hann = torch.hann_window(window, periodic=False, dtype=torch.float64)
    return (torch.cat((angle.cos(), angle.sin())) * hann)[:, None].float()


def mel_bands(mels: int, low: float = 20.0, high: float = 7600.0) -> Tensor:
    """Triangles evenly spaced on the mel scale (2595 log10(1 + Hz / 700)): `[mels, 257]`."""

    def mel(hertz: Tensor) -> Tensor:
        return 2595 * torch.log10(1 + hertz / 700)

    bins = mel(torch.arange(FFT // 2 + 1, dtype=torch.float64) * RATE / FFT)
    ends = mel(torch.tensor([low, high], dtype=torch.float64))
    edges = torch.linspace(ends[0].item(), ends[1].item(), mels + 2, dtype=torch.float64)[:, None]
    width = edges[1] - edges[0]
    return (1 - (bins - edges[1:-1]).abs() / width).clamp(min=0).float()
