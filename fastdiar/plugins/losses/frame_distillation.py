"""Learning what a teacher hears in every frame: far more to learn from than one vector a clip."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import objectives
from fastdiar.core.interfaces import Loss, Output
from fastdiar.core.types import Batch


@attrs.frozen
class FrameDistillationConfig:
    """Who learns from whom."""

    weight: float = field(default=1.0, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="speaker", metadata={"help": "any of the recipe's heads: all judge the same frames"})
    teacher: str = field(default="voice", metadata={"help": "the recipe's teacher, whose frames have as many numbers"})


class FrameDistillation(Loss):
    """The squared difference from the teacher's frames, as a share of their variance (Romero et al., FitNets, ICLR 2015).

    A frame learns the mean of the teacher's frames that lie in it.
    """

    config_class = FrameDistillationConfig

    def __init__(self, config: FrameDistillationConfig, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.config = config

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar, and the share of the teacher's variance that is `explained`."""
        frames = outputs[self.config.head].frames.float()
        wanted = objectives.taught(self.config.teacher, "frames", teacher)
        objectives.same_size(self.config.teacher, "frames", wanted, frames)
        mask = objectives.heard(batch, frames.shape[1])
        wanted, frames = objectives.resampled(wanted, frames.shape[1])[mask], frames[mask]
        loss = (frames - wanted).square().mean() / wanted.var(dim=0).mean().clamp(min=1e-6)
        return self.config.weight * loss, {"explained": 1 - loss.item()}
