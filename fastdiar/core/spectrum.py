"""Spectrograms inside the network, so that it starts from the waveform."""

from __future__ import annotations

from math import pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastdiar.core.layers import frame_count, frame_mask, full_precision, keep_valid
from fastdiar.core.types import RATE

FFT = 512
LOUDEST = 32768.0
"""Samples are counted in steps of 16-bit sound, which keeps every constant here within half precision."""
FLOOR = 10.0
"""Added to the mel power before its logarithm: about what rounding to 16 bits leaves of silence. onnxruntime drops a 1e-8."""


class LogMel(nn.Module):
    """Log-mel power with each band's mean over the clip taken off: `[batch, samples]` → `[batch, mels, spectra]`.

    The Fourier transform is a convolution with cosines and sines, so that it exports as one operator. Spectrum `t` is
    centred on the `hop` samples that it stands for. Taking the mean off undoes a recording's gain and channel.
    """

    fourier: Tensor
    bands: Tensor

    def __init__(self, mels: int, window: int, hop: int, kaldi: bool = False) -> None:
        """`window` and `hop` in samples; `kaldi` means as Kaldi: its window, pre-emphasis, bands to 8000 Hz."""
        super().__init__()
        self.hop = hop
        self.side = (window - hop) // 2
        self.register_buffer("fourier", kaldi_kernels(window) if kaldi else fourier_kernels(window), persistent=False)
        self.register_buffer("bands", mel_bands(mels, high=8000.0) if kaldi else mel_bands(mels), persistent=False)

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
    hann = torch.hann_window(window, periodic=False, dtype=torch.float64)
    return (_waves(window) * hann)[:, None].float()


def kaldi_kernels(window: int) -> Tensor:
    """The same with what Kaldi's filterbank does first: mean off each frame, pre-emphasis, a povey window: `[514, 1, window]`.

    All of it is linear, so it is part of the kernels.
    """
    windowed = _waves(window) * torch.hann_window(window, periodic=False, dtype=torch.float64) ** 0.85
    emphasised = windowed - 0.97 * F.pad(windowed[:, 1:], (0, 1))
    return (emphasised - emphasised.mean(dim=1, keepdim=True))[:, None].float()


def mel_bands(mels: int, low: float = 20.0, high: float = 7600.0) -> Tensor:
    """Triangles evenly spaced on the mel scale: `[mels, 257]`."""
    bins = mel_of(torch.arange(FFT // 2 + 1, dtype=torch.float64) * RATE / FFT)
    ends = mel_of(torch.tensor([low, high], dtype=torch.float64))
    edges = torch.linspace(ends[0].item(), ends[1].item(), mels + 2, dtype=torch.float64)[:, None]
    width = edges[1] - edges[0]
    return (1 - (bins - edges[1:-1]).abs() / width).clamp(min=0).float()


def mel_of(hertz: Tensor) -> Tensor:
    """Frequencies on the mel scale."""
    return 2595 * torch.log10(1 + hertz / 700)


def hertz_of(mel: Tensor) -> Tensor:
    """Frequencies of the mel scale in Hz."""
    return 700 * (10 ** (mel / 2595) - 1)


def _waves(window: int) -> Tensor:
    """Cosines, then sines, of every frequency of the transform: `[514, window]`."""
    step = torch.arange(window, dtype=torch.float64) - (window - 1) / 2
    angle = 2 * pi / FFT * torch.arange(FFT // 2 + 1, dtype=torch.float64)[:, None] * step
    return torch.cat((angle.cos(), angle.sin()))
