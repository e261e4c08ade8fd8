"""Faster and higher, or slower and deeper."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
from torch import Tensor

from fastdiar.core.interfaces import Augmentation
from fastdiar.core.pace import PaceConfig, draw_pace, resampled, retimed
from fastdiar.core.types import Batch


@attrs.frozen
class SpeedConfig(PaceConfig):
    """How fast, how often; the pitch goes with it."""


class Speed(Augmentation):
    """Plays a clip faster or slower, as a tape would; draws `percent [batch]` of its pace, int64, 100 for a clip left alone.

    The batch keeps its shape: a faster clip ends earlier and says so in `lengths`, a slower one loses its end. It sounds
    like another voice, too (Ko et al., Audio augmentation for speech recognition, Interspeech 2015).
    """

    config_class = SpeedConfig

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`percent [batch]` int64."""
        return draw_pace(self.config, batch, generator)

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch at its new pace, with its new lengths."""
        return retimed(batch, drawn["percent"], resampled)
