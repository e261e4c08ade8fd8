"""A loss on the embeddings themselves: clips of one class attract each other, clips of others repel."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import objectives
from fastdiar.core.interfaces import Loss, Output
from fastdiar.core.types import Batch


@attrs.frozen
class SupConConfig:
    """Which head, how much, how sharply."""

    weight: float = field(default=1.0, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="speaker", metadata={"help": "the recipe's head whose embedding it teaches"})
    temperature: float = field(
        default=0.1,
        validator=validators.gt(0),
        metadata={"help": "what cosines are divided by: small for the hardest pairs"},
    )


class SupCon(Loss):
    """Supervised contrastive (Khosla et al., NeurIPS 2020, their L_out) over the clips of a batch, times its weight.

    Each clip with a partner of its class in the batch should pick its partners among all other clips; clips whose label is
    unknown take no part. It needs several clips of a class in a batch: `trainer.utterances_per_speaker`. Raises `ValueError`
    where the head has no embedding.
    """

    config_class = SupConConfig

    def __init__(self, config: SupConConfig, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        objectives.embedding_size(config.head, heads)
        self.config = config
        self.task = heads[config.head].task

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar, 0 where no two clips are of one class, and `paired`, the share of clips with a partner."""
        labels = batch.labels[self.task]
        known = labels >= 0
        embedding, labels = outputs[self.config.head].embedding[known].float(), labels[known]
        others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        partners = (labels[:, None] == labels) & others
        # A very low number is left out of the sum as minus infinity would be, but a clip without others does not give NaN.
        closeness = (embedding @ embedding.mT / self.config.temperature).masked_fill(~others, torch.finfo(torch.float32).min)
        chance = closeness.log_softmax(-1)
        paired = partners.any(-1)
        each = -(chance * partners).sum(-1)[paired] / partners.sum(-1)[paired]
        figures = {"paired": paired.float().mean().item()} if len(labels) else {}
        return self.config.weight * each.sum() / paired.sum().clamp(min=1), figures
