"""Learning a teacher's doubts: its probabilities of all classes, not only the right one."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import objectives
from fastdiar.core.interfaces import Loss, Output
from fastdiar.core.types import Batch


@attrs.frozen
class DistillationConfig:
    """The original plan adds 0.7 of this loss to 0.3 of the plain one."""

    weight: float = field(default=0.7, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="speaker", metadata={"help": "the recipe's head that learns"})
    teacher: str = field(default="voice", metadata={"help": "the recipe's teacher, whose classes are the head's"})
    temperature: float = field(
        default=4.0,
        validator=validators.gt(0),
        metadata={"help": "divides all logits: more of it, more weight on what is less likely"},
    )


class Distillation(Loss):
    """Kullback-Leibler divergence from the teacher's classes (Hinton et al., Distilling the knowledge in a neural network, 2015).

    It is multiplied by the squared temperature, so that the slope does not depend on it.
    """

    config_class = DistillationConfig

    def __init__(self, config: DistillationConfig, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.config = config

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar, and how often the head names the teacher's favourite."""
        wanted = objectives.taught(self.config.teacher, "logits", teacher)
        logits = outputs[self.config.head].logits.float()
        objectives.same_size(self.config.teacher, "classes", wanted, logits)
        temperature = self.config.temperature
        divergence = F.kl_div(
            (logits / temperature).log_softmax(-1), (wanted / temperature).log_softmax(-1), reduction="batchmean", log_target=True
        )
        agreement = (logits.argmax(-1) == wanted.argmax(-1)).float().mean().item()
        return self.config.weight * temperature**2 * divergence, {"agreement": agreement}
