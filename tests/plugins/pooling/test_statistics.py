"""Weighted mean and deviation against numpy's."""

from __future__ import annotations

import numpy as np
import torch

from fastdiar.core.types import Frames
from fastdiar.plugins.pooling.statistics import Statistics, StatisticsConfig


def test_it_is_the_weighted_mean_and_deviation() -> None:
    random = np.random.default_rng(0)
    frames, weights = random.normal(3, size=(50, 4)), random.random(50)
    pooling = Statistics(StatisticsConfig(), Frames(4, 32.0, 1.5))
    pooled = pooling(torch.tensor(frames).float()[None], torch.tensor(weights).float()[None, None])
    mean = np.average(frames, axis=0, weights=weights)
    deviation = np.sqrt(np.average((frames - mean) ** 2, axis=0, weights=weights))
    assert pooling.out == 8
    np.testing.assert_allclose(pooled[0, 0].numpy(), np.concatenate((mean, deviation)), rtol=1e-4)
