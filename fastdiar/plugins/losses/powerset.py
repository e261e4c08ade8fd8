"""Learning who is active, from turns and from a teacher, whatever order the voices come in."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import checks, objectives
from fastdiar.core.assignment import classes_of, reorderings
from fastdiar.core.errors import TrainingError
from fastdiar.core.interfaces import Loss, Output
from fastdiar.core.types import Batch


@attrs.frozen
class PowersetConfig:
    """Exact turns where a clip has them; a teacher's probabilities where there is one, and these alone for other clips."""

    weight: float = field(default=1.0, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="activity", metadata={"help": "the recipe's head that learns; it tells local voices apart"})
    teacher: str | None = field(default=None, metadata={"help": "the recipe's teacher, whose logits are the same classes"})
    share: float = field(
        default=0.5,
        validator=checks.share,
        metadata={"help": "of the teacher, where there is one; the rest is of the turns"},
    )


class Powerset(Loss):
    """Cross-entropy over the powerset's classes under the order of voices that fits each chunk best.

    Plaquet and Bredin, Powerset multi-class cross entropy loss, Interspeech 2023. Raises `ValueError` where the head is not of
    local voices.
    """

    config_class = PowersetConfig

    def __init__(self, config: PowersetConfig, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        grid = getattr(heads[config.head], "activity", None)
        if grid is None:
            raise ValueError(f'needs a head of local voices, such as use = "activity": [head.{config.head}] is none')
        self.config, self.grid = config, grid
        self.register_buffer("orders", reorderings(grid.speakers, grid.at_once), persistent=False)

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar, and the share of frames whose likeliest class is the right one, as `frame_accuracy`."""
        scores = outputs[self.config.head].logits.float().log_softmax(-1)
        count = scores.shape[1]
        told = torch.zeros_like(batch.lengths, dtype=torch.bool) if batch.activity is None else batch.activity[:, 0, 0] >= 0
        if self.config.teacher is None and not told.any():
            raise TrainingError("the training data tells no turns: set a teacher, or a dataset that has them, such as rttm")
        mask = objectives.heard(batch, count)
        figures, cost, share = {}, torch.zeros_like(scores[:, 0, 0]), torch.zeros_like(scores[:, 0, 0])
        if self.config.teacher is None:
            mask = mask & told[:, None]
        else:
            said = objectives.taught(self.config.teacher, "logits", teacher).softmax(-1)
            objectives.same_size(self.config.teacher, "classes", said, scores)
            share = torch.where(told, self.config.share, 1.0)
            cost = share * self._least(scores, objectives.resampled(said, count), mask)
        if batch.activity is not None:
            spoken = objectives.at_frames(batch.activity.float(), self.grid, count)
            right = classes_of(spoken, self.grid.speakers, self.grid.at_once)
            target = F.one_hot(right, scores.shape[-1]).float()
            cost = cost + (1 - share) * self._least(scores, target, mask)
            figures["frame_accuracy"] = self._accuracy(scores, target, mask & told[:, None])
        return self.config.weight * cost.sum() / mask.sum(), figures

    def _least(self, scores: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
        """Cross-entropy of `scores [batch, frames, classes]` with probabilities under each clip's best order: `[batch]`, sums."""
        cost = -torch.einsum("bfc,bfoc->bo", scores * mask[..., None], wanted[..., self.orders])
        return cost.min(-1).values

    def _accuracy(self, scores: Tensor, target: Tensor, mask: Tensor) -> float:
        guess = F.one_hot(scores.argmax(-1), scores.shape[-1]).float() * mask[..., None]
        return (torch.einsum("bfc,bfoc->bo", guess, target[..., self.orders]).max(-1).values.sum() / mask.sum()).item()
