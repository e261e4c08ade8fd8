"""What several losses share."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """The mean over clips whose label is known: `[batch, classes]`, `[batch]` with -1 = unknown → a scalar, 0 if none is."""
    total = F.cross_entropy(logits.float(), labels, ignore_index=-1, reduction="sum", label_smoothing=smoothing)
    return total / (labels >= 0).sum().clamp(min=1)


def accuracy(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """`{"accuracy": share of the clips with a known label that the largest logit names}`; empty where no label is known."""
    known = labels >= 0
    count = known.sum().item()
    return {"accuracy": ((logits.argmax(-1) == labels) & known).sum().item() / count} if count else {}
