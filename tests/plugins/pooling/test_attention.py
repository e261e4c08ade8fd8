"""Attention pooling against its formula, frame by frame."""

from __future__ import annotations

import numpy as np
import torch

from fastdiar.core.types import Frames
from fastdiar.plugins.pooling.attention import Attention, AttentionConfig


def test_it_is_the_mean_weighed_by_weight_times_exponential_score() -> None:
    torch.manual_seed(0)
    pooling = Attention(AttentionConfig(hidden=6), Frames(4, 32.0, 1.5)).eval()
    frames, weights = torch.randn(1, 9, 4), torch.rand(1, 2, 9)
    weights[0, 1, 3:] = 0
    inner, _, outer = pooling.score
    x = frames[0].double().numpy()
    hidden = np.tanh(x @ inner.weight.detach().double().numpy().T + inner.bias.detach().double().numpy())
    score = hidden @ outer.weight.detach().double().numpy()[0]
    expected = [np.average(x, axis=0, weights=each * np.exp(score)) for each in weights[0].double().numpy()]
    np.testing.assert_allclose(pooling(frames, weights)[0].detach().numpy(), expected, atol=1e-5)


def test_a_frame_that_scores_high_but_has_no_weight_does_not_drown_the_others() -> None:
    torch.manual_seed(0)
    pooling = Attention(AttentionConfig(hidden=6), Frames(4, 32.0, 1.5)).eval()
    with torch.no_grad():
        pooling.score[2].weight.mul_(1000)
    frames = torch.randn(1, 9, 4)
    loudest = int(pooling.score(frames)[0, :, 0].argmax())
    weights = torch.ones(1, 1, 9)
    weights[..., loudest] = 0
    without = torch.cat((frames[:, :loudest], frames[:, loudest + 1 :]), 1)
    torch.testing.assert_close(pooling(frames, weights), pooling(without, torch.ones(1, 1, 8)))
