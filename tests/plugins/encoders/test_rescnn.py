"""The enhanced encoder is the original one, and its family is one of keys."""

from __future__ import annotations

import torch

from fastdiar.core.types import Frames
from fastdiar.plugins.encoders.rescnn import ResCnn, ResCnnConfig


def test_the_owners_enhanced_encoder() -> None:
    encoder = ResCnn(ResCnnConfig())
    total = 64 * 7 + 2 * 64
    blocks = [(64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1), (512, 512, 1)]
    for before, after, stride in blocks:
        total += 3 * before * after + 3 * after * after + 2 * 2 * after
        if stride == 2:
            total += before * after + 2 * after
    assert sum(parameter.numel() for parameter in encoder.parameters()) == total
    assert encoder.out == Frames(512, 32.0, 1.5)


def test_a_cheaper_member_of_the_family() -> None:
    encoder = ResCnn(ResCnnConfig(stem_stride=5, stem_pool=2, channels=(16, 24), strides=(4, 2)))
    frames, lengths = encoder(torch.randn(1, 1601), torch.tensor([1601]))
    assert encoder.out == Frames(24, 80.0, 2.5)
    assert frames.shape == (1, 21, 24)
    assert lengths.tolist() == [21]
