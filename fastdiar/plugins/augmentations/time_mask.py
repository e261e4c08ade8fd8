"""A stretch of silence, so that no single moment of a clip is relied on."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
from attrs import field
from torch import Tensor

from fastdiar.core import checks, draws
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.types import Batch


@attrs.frozen
class TimeMaskConfig:
    """How much, how often."""

    probability: float = field(default=0.5, validator=checks.share, metadata={"help": "share of clips that are changed"})
    share: tuple[float, float] = field(
        default=(0.05, 0.15),
        validator=[checks.ordered, checks.shares],
        metadata={"help": "shortest and longest silence (share of the clip's length)"},
    )


class TimeMask(Augmentation):
    """Silences one stretch of a clip; draws its `start` and `length`, int64 `[batch]` in samples, 0 long in a clip left alone."""

    config_class = TimeMaskConfig

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`start` and `length`, int64 `[batch]` in samples, within each clip's own length."""
        clips, lengths = len(batch.lengths), batch.lengths.to(generator.device)
        share = draws.uniform(*self.config.share, clips, generator) * draws.chosen(self.config.probability, clips, generator)
        length = (share.double() * lengths).round().long()
        start = (draws.uniform(0, 1, clips, generator).double() * (lengths - length + 1)).floor().long()
        device = batch.waveform.device
        return {"start": start.to(device), "length": length.to(device)}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch with the drawn stretches at zero."""
        waveform = batch.waveform.clone()
        stretches = zip(waveform, drawn["start"].tolist(), drawn["length"].tolist(), strict=True)
        for clip, start, length in stretches:  # writes a tenth of what a mask over the whole batch would
            clip[start : start + length] = 0
        return attrs.evolve(batch, waveform=waveform)
