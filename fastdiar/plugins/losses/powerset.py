"""Learning who is active, from turns and from a teacher, whatever order the voices come in."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import objectives
from fastdiar.core.assignment import classes_of, reorderings
from fastdiar.core.errors import TrainingError
from fastdiar.core.interfaces import Loss, Output
from fastdiar.core.types import Batch


@attrs.frozen
class PowersetConfig:
    """Exact turns where the data has them; a teacher's probabilities where there is one."""

    weight: float = field(default=1.0, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="activity", metadata={"help": "the recipe's head that learns; it tells local voices apart"})
    teacher: str | None = field(default=None, metadata={"help": "the recipe's teacher, whose logits are the same classes"})
    share: float = field(
        default=0.5,
        validator=[validators.ge(0), validators.le(1)],
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
        self.config = config
        self.speakers, self.at_once = grid.speakers, grid.at_once
        self.register_buffer("orders", reorderings(grid.speakers, grid.at_once), persistent=False)

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar, and the share of frames whose likeliest class is the right one, as `accuracy`."""
        scores = outputs[self.config.head].logits.float().log_softmax(-1)
        count = scores.shape[1]
        mask = objectives.heard(batch, count)
        wanted, share = [], []
        if self.config.teacher is not None:
            said = objectives.taught(self.config.teacher, "logits", teacher).softmax(-1)
            objectives.same_size(self.config.teacher, "classes", said, scores)
            wanted.append(objectives.resampled(said, count))
            share.append(self.config.share)
        figures = {}
        if batch.activity is not None:
            right = classes_of(objectives.resampled(batch.activity.float(), count), self.speakers, self.at_once)
            target = F.one_hot(right, scores.shape[-1]).float()
            wanted.append(target)
            share.append(1 - self.config.share if wanted[1:] else 1.0)
            figures["accuracy"] = self._accuracy(scores, target, mask)
        if not wanted:
            raise TrainingError("the training data tells no turns: set a teacher, or a dataset that has them, such as rttm")
        loss = sum(part * self._best(scores, each, mask) for part, each in zip(share, wanted, strict=True))
        return self.config.weight * loss, figures

    def _best(self, scores: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
        """Cross-entropy of `scores [batch, frames, classes]` with probabilities under each chunk's best order, its mean."""
        cost = -torch.einsum("bfc,bfoc->bo", scores * mask[..., None], wanted[..., self.orders])
        return cost.min(-1).values.sum() / mask.sum()

    def _accuracy(self, scores: Tensor, target: Tensor, mask: Tensor) -> float:
        guess = F.one_hot(scores.argmax(-1), scores.shape[-1]).float() * mask[..., None]
        return (torch.einsum("bfc,bfoc->bo", guess, target[..., self.orders]).max(-1).values.sum() / mask.sum()).item()
