"""Weights of several losses that are learnt along with the network."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class LearntWeights(nn.Module):
    """Each task's loss weighed by how uncertain the task is (Kendall, Gal and Cipolla, CVPR 2018).

    `exp(-s) * loss + s / 2` for classification, where `s`, the logarithm of the task's variance, is learnt and begins at 0.
    """

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.log_variance = nn.ParameterDict({name: nn.Parameter(torch.zeros(())) for name in names})

    def forward(self, name: str, loss: Tensor) -> Tensor:
        """A loss as it counts in the sum; one that is 0, as of a batch without its labels, says nothing about its task."""
        log_variance = self.log_variance[name]
        weighed = torch.exp(-log_variance) * loss
        return torch.where(loss == 0, weighed, weighed + log_variance / 2)

    def weight(self, name: str) -> float:
        """What a loss is multiplied by now."""
        return torch.exp(-self.log_variance[name]).item()
