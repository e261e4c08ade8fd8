"""A band of frequencies silenced, so that no single one is relied on."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
import torch.nn.functional as F
from attrs import field
from torch import Tensor

from fastdiar.core import checks, draws
from fastdiar.core.clips import resounded
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.spectrum import hertz_of, mel_of
from fastdiar.core.types import RATE, Batch

WINDOW, HOP = 512, 256
"""Of the short-time spectrum (samples): bins of 31 Hz, every 16 ms."""


@attrs.frozen
class FreqMaskConfig:
    """How much, how often."""

    probability: float = field(default=0.5, validator=checks.share, metadata={"help": "share of clips that are changed"})
    share: tuple[float, float] = field(
        default=(0.05, 0.15),
        validator=[checks.ordered, checks.shares],
        metadata={"help": "narrowest and widest band (share of the mel scale up to 8 kHz)"},
    )


class FreqMask(Augmentation):
    """Silences one band of a clip's short-time spectrum; draws its `low` and `high` `[batch]` in Hz, equal for a clip left alone.

    On the mel scale all bands are as likely, so that most of them fall where speech is (Park et al., SpecAugment, Interspeech
    2019, with the sound put together again).
    """

    config_class = FreqMaskConfig

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`low` and `high` `[batch]` in Hz."""
        clips, top = len(batch.lengths), mel_of(torch.tensor(RATE / 2, device=generator.device))
        width = top * draws.uniform(*self.config.share, clips, generator)
        width = width * draws.chosen(self.config.probability, clips, generator)
        low = (top - width) * draws.uniform(0, 1, clips, generator)
        device = batch.waveform.device
        return {"low": hertz_of(low).to(device), "high": hertz_of(low + width).to(device)}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch without the drawn bands."""
        low, high = drawn["low"], drawn["high"]
        clips = (low < high).nonzero()[:, 0]
        return resounded(batch, clips, lambda sound: _masked(sound, low[clips], high[clips]))


def _masked(sound: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """`[clips, samples]` without what lies from `low` to `high` `[clips]` (Hz)."""
    window = torch.hann_window(WINDOW, device=sound.device)
    padded = F.pad(sound, (0, WINDOW))  # so that a clip's end is heard by as many frames as its middle
    spectrum = torch.stft(padded, WINDOW, HOP, window=window, pad_mode="constant", return_complex=True)
    bins = torch.arange(spectrum.shape[1], device=sound.device) * (RATE / WINDOW)
    inside = (bins >= low[:, None]) & (bins <= high[:, None])
    return torch.istft(spectrum.masked_fill(inside[..., None], 0), WINDOW, HOP, window=window, length=sound.shape[1])
