"""Louder or quieter, as microphones and distances make it."""

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
class GainConfig:
    """How much, how often."""

    probability: float = field(default=0.5, validator=checks.share, metadata={"help": "share of clips that are changed"})
    gain: tuple[float, float] = field(
        default=(-12.0, 6.0), validator=checks.ordered, metadata={"help": "lowest and highest change of level (dB)"}
    )


class Gain(Augmentation):
    """Multiplies a clip; draws `gain [batch]` in dB, 0 for a clip left alone."""

    config_class = GainConfig

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`gain [batch]` in dB."""
        clips = len(batch.lengths)
        gain = draws.uniform(*self.config.gain, clips, generator) * draws.chosen(self.config.probability, clips, generator)
        return {"gain": gain.to(batch.waveform.device)}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch at its new levels; samples may leave -1…1, since clipping would be another change."""
        factor = (10 ** (drawn["gain"] / 20)).to(batch.waveform.dtype)
        return attrs.evolve(batch, waveform=batch.waveform * factor[:, None])
