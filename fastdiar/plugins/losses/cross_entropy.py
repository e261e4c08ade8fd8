"""The plain classification loss."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import objectives
from fastdiar.core.interfaces import Loss, Output
from fastdiar.core.types import Batch


@attrs.frozen
class CrossEntropyConfig:
    """Which head, how much, how sure."""

    weight: float = field(default=1.0, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="speaker", metadata={"help": "the recipe's head that it teaches"})
    label_smoothing: float = field(
        default=0.0,
        validator=[validators.ge(0), validators.lt(1)],
        metadata={"help": "share of certainty spread over all classes"},
    )


class CrossEntropy(Loss):
    """Cross-entropy over clips whose label is known, times its weight; 0 for a batch without one."""

    config_class = CrossEntropyConfig

    def __init__(self, config: CrossEntropyConfig, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.config = config
        self.task = heads[config.head].task

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar, and `accuracy` where a label is known."""
        logits, labels = outputs[self.config.head].logits, batch.labels[self.task]
        loss = objectives.cross_entropy(logits, labels, self.config.label_smoothing)
        return self.config.weight * loss, objectives.accuracy(logits, labels)
