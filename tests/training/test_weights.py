"""Weights of losses that are learnt."""

from __future__ import annotations

import math

import pytest
import torch

from fastdiar.training.weights import LearntWeights


def test_they_come_to_where_each_task_counts_by_its_uncertainty() -> None:
    """For a loss that stays as it is, exp(-s) loss + s / 2 is least where exp(s) = 2 loss."""
    weights = LearntWeights(["hard", "easy"])
    losses = {"hard": torch.tensor(4.0), "easy": torch.tensor(0.25)}
    optimizer = torch.optim.SGD(weights.parameters(), lr=0.5)
    for _ in range(200):
        optimizer.zero_grad()
        sum(weights(name, loss) for name, loss in losses.items()).backward()
        optimizer.step()
    assert weights.weight("hard") == pytest.approx(1 / 8, rel=1e-3)
    assert weights.weight("easy") == pytest.approx(2.0, rel=1e-3)
    assert weights("hard", losses["hard"]).item() == pytest.approx(0.5 + math.log(8) / 2, rel=1e-3)


def test_they_begin_with_the_plain_sum() -> None:
    weights = LearntWeights(["one"])
    assert weights("one", torch.tensor(1.5)).item() == 1.5 and weights.weight("one") == 1


def test_a_batch_without_a_tasks_labels_moves_no_weight() -> None:
    weights = LearntWeights(["mood"])
    weights("mood", torch.zeros((), requires_grad=True)).backward()
    assert weights.log_variance["mood"].grad == 0
