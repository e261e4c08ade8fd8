"""Learning which clips sound alike: what clustering needs, whatever the directions are called."""

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


@attrs.frozen
class RelationalConfig:
    """Who learns from whom."""

    weight: float = field(default=10.0, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="speaker", metadata={"help": "the recipe's head that learns; it must have an embedding"})
    teacher: str = field(default="voice", metadata={"help": "the recipe's teacher"})


class Relational(Loss):
    """The mean squared difference of the batch's two matrices of cosines (Tung and Mori, Similarity-preserving, ICCV 2019).

    Each side's mean over the batch is taken off first. Raises `ValueError` where the head has no embedding.
    """

    config_class = RelationalConfig

    def __init__(self, config: RelationalConfig, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.config = config
        objectives.embedding_size(config.head, heads)

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar; 0 for a batch of one clip."""
        own = _cosines(outputs[self.config.head].embedding)
        wanted = _cosines(objectives.taught(self.config.teacher, "embedding", teacher))
        others = ~torch.eye(len(own), dtype=torch.bool, device=own.device)
        loss = (own - wanted)[others].square().sum() / others.sum().clamp(min=1)
        return self.config.weight * loss, {}


def _cosines(embedding: Tensor) -> Tensor:
    centred = F.normalize(embedding.float() - embedding.float().mean(0), dim=-1)
    return centred @ centred.T
