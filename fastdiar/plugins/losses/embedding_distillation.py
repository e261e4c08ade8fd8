"""Learning where a teacher puts a voice."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import objectives
from fastdiar.core.interfaces import Loss, Output
from fastdiar.core.types import Batch

MOMENTUM = 0.01
"""How fast the running mean of the teacher's embeddings follows each batch, once the first hundred have been heard."""


@attrs.frozen
class EmbeddingDistillationConfig:
    """Who learns from whom."""

    weight: float = field(default=1.0, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="speaker", metadata={"help": "the recipe's head that learns; it must have an embedding"})
    teacher: str = field(default="voice", metadata={"help": "the recipe's teacher"})
    teacher_size: int | None = field(
        default=None,
        validator=validators.optional(validators.ge(1)),
        metadata={
            "help": "numbers in the teacher's embedding, where the head's has another size: a linear layer then lies between"
        },
    )


class EmbeddingDistillation(Loss):
    """One minus the cosine with the teacher's embedding, from which its mean over all clips is taken off.

    Directions then tell voices apart. For unit vectors it is half the squared difference, so there is no other distance to
    choose. Raises `ValueError` where the head has no embedding.
    """

    config_class = EmbeddingDistillationConfig

    def __init__(self, config: EmbeddingDistillationConfig, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.config = config
        own = objectives.embedding_size(config.head, heads)
        size = config.teacher_size or own
        self.project = nn.Identity() if size == own else nn.Linear(own, size)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("batches", torch.zeros(()))

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar, and the mean `cosine` with the teacher."""
        voice = self.project(outputs[self.config.head].embedding)
        wanted = objectives.taught(self.config.teacher, "embedding", teacher)
        objectives.same_size(self.config.teacher, "embedding", wanted, voice)
        if self.training:
            self._follow(wanted)
        cosine = F.cosine_similarity(voice, wanted - self.mean, dim=-1).mean()
        return self.config.weight * (1 - cosine), {"cosine": cosine.item()}

    @torch.no_grad()
    def _follow(self, wanted: Tensor) -> None:
        self.batches += 1
        self.mean += (wanted.mean(0) - self.mean) * torch.clamp(1 / self.batches, min=MOMENTUM)
