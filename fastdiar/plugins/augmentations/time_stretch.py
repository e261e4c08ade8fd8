"""The same voice speaking faster or slower."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
from torch import Tensor

from fastdiar.core.interfaces import Augmentation
from fastdiar.core.pace import PaceConfig, draw_pace, retimed, stretched
from fastdiar.core.types import Batch


@attrs.frozen
class TimeStretchConfig(PaceConfig):
    """How fast, how often; the pitch stays."""


class TimeStretch(Augmentation):
    """Changes a clip's pace and keeps its pitch; draws `percent [batch]` of its pace, int64, 100 for a clip left alone.

    The batch keeps its shape: a faster clip ends earlier and says so in `lengths`, a slower one loses its end.
    """

    config_class = TimeStretchConfig

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`percent [batch]` int64."""
        return draw_pace(self.config, batch, generator)

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch at its new pace, with its new lengths."""
        return retimed(batch, drawn["percent"], stretched)
