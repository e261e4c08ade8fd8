"""The weighted mean against numpy's."""

from __future__ import annotations

import numpy as np
import torch

from fastdiar.core.types import Frames
from fastdiar.plugins.pooling.average import Average, AverageConfig


def test_it_is_the_weighted_mean() -> None:
    random = np.random.default_rng(0)
    frames, weights = random.normal(size=(7, 4)), random.random((2, 7))
    pooled = Average(AverageConfig(), Frames(4, 32.0, 1.5))(torch.tensor(frames)[None], torch.tensor(weights)[None])
    expected = [np.average(frames, axis=0, weights=each) for each in weights]
    np.testing.assert_allclose(pooled[0].numpy(), expected)


def test_no_weight_gives_zeros() -> None:
    pooled = Average(AverageConfig(), Frames(4, 32.0, 1.5))(torch.randn(1, 7, 4), torch.zeros(1, 2, 7))
    assert not pooled.any()
