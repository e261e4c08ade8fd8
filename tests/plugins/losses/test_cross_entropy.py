"""Cross-entropy against its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fastdiar.core.interfaces import Output
from fastdiar.core.types import Batch
from fastdiar.plugins.losses.cross_entropy import CrossEntropy, CrossEntropyConfig


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_it_is_the_weighted_mean_over_known_labels(smoothing: float) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3))
    labels = np.array([2, -1, 0, 1])
    log_shares = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    wanted = np.eye(3)[labels] * (1 - smoothing) + smoothing / 3
    expected = np.mean([-(wanted * log_shares).sum(1)[clip] for clip in (0, 2, 3)])
    head = nn.Identity()
    head.task = "mood"
    loss = CrossEntropy(CrossEntropyConfig(weight=0.3, head="feeling", label_smoothing=smoothing), {"feeling": head})
    batch = Batch(torch.zeros(4, 1), torch.ones(4).long(), {"mood": torch.tensor(labels)})
    value, figures = loss({"feeling": Output(torch.tensor(logits))}, batch)
    assert value.item() == pytest.approx(0.3 * expected, rel=1e-5)
    right = [logits[clip].argmax() == labels[clip] for clip in (0, 2, 3)]
    assert figures == {"accuracy": pytest.approx(np.mean(right))}
