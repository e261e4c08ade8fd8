"""The loss `acme/am_softmax`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import objectives
from fastdiar.core.interfaces import Loss, Output
from fastdiar.core.types import Batch


@attrs.frozen
class AmSoftmaxConfig:
    """Which head, how wide a gap."""

    weight: float = field(default=1.0, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="speaker", metadata={"help": 'the recipe\'s head that it teaches; its classifier must be "cosine"'})
    margin: float = field(
        default=0.2, validator=[validators.ge(0), validators.lt(1)], metadata={"help": "taken off the right speaker's cosine"}
    )


class AmSoftmax(Loss):
    """Additive margin softmax (Wang et al., IEEE Signal Processing Letters 2018) over clips whose label is known.

    Raises `ValueError` where the head has no cosine classifier.
    """

    config_class = AmSoftmaxConfig

    def __init__(self, config: AmSoftmaxConfig, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        head = heads[config.head]
        scale = getattr(head, "cosine_scale", None)
        if scale is None:
            raise ValueError(f'needs a head with cosines: set classifier = "cosine" in [head.{config.head}]')
        self.config = config
        self.task = str(head.task)
        self.margin = config.margin * scale

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar, and `accuracy` without the margin where a label is known."""
        logits, labels = cast("Tensor", outputs[self.config.head].logits).float(), batch.labels[self.task]
        own = F.one_hot(labels.clamp(min=0), logits.shape[-1])
        harder = logits - self.margin * own
        return self.config.weight * objectives.cross_entropy(harder, labels), objectives.accuracy(logits, labels)
