"""A classification loss that asks for a gap between speakers: what embeddings for diarization are trained with."""

from __future__ import annotations

import math
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
class AamConfig:
    """Which head, how much, how wide a gap."""

    weight: float = field(default=1.0, validator=validators.gt(0), metadata={"help": "of this loss in the sum"})
    head: str = field(default="speaker", metadata={"help": 'the recipe\'s head that it teaches; its classifier must be "cosine"'})
    margin: float = field(
        default=0.2,
        validator=[validators.ge(0), validators.lt(math.pi / 2)],
        metadata={"help": "added to the angle between a clip and its own speaker (radians)"},
    )
    margin_warm_up: float = field(
        default=0.0, validator=validators.ge(0), metadata={"help": "epochs over which the margin grows from 0 to its full width"}
    )


class Aam(Loss):
    """Additive angular margin (Deng et al., ArcFace, CVPR 2019) over clips whose label is known, times its weight.

    Its sub-centres are the head's `centres`.
    Raises `ValueError` where the head has no cosine classifier.
    """

    config_class = AamConfig

    def __init__(self, config: AamConfig, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        head = heads[config.head]
        scale = getattr(head, "cosine_scale", None)
        if scale is None:
            raise ValueError(f'needs a head with angles: set classifier = "cosine" in [head.{config.head}]')
        self.config = config
        self.task = head.task
        self.scale = scale

    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted scalar, and `accuracy` without the margin where a label is known."""
        logits, labels = outputs[self.config.head].logits.float(), batch.labels[self.task]
        own = F.one_hot(labels.clamp(min=0), logits.shape[-1]).bool()
        grown = min(1.0, batch.epoch / self.config.margin_warm_up) if self.config.margin_warm_up else 1.0
        harder = torch.where(own, self.scale * with_margin(logits / self.scale, grown * self.config.margin), logits)
        return self.config.weight * objectives.cross_entropy(harder, labels), objectives.accuracy(logits, labels)


def with_margin(cosine: Tensor, margin: float) -> Tensor:
    """`cos(angle + margin)`; where that would pass 180°, the straight line that goes on falling from there."""
    # The root's slope is infinite at 1, where a voice is exactly its speaker's direction.
    sine = (1 - cosine.square()).clamp(min=1e-6).sqrt()
    turned = cosine * math.cos(margin) - sine * math.sin(margin)
    return torch.where(cosine > -math.cos(margin), turned, cosine - margin * math.sin(margin))
