"""Self-attention against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fastdiar.core.types import Frames
from fastdiar.plugins.temporal.mhsa import Mhsa, MhsaConfig

FRAMES = Frames(16, 32.0, 1.5)


def test_it_is_torchs_attention_with_shortcut_and_norm() -> None:
    torch.manual_seed(0)
    block = Mhsa(MhsaConfig(heads=4), FRAMES).eval()
    theirs = nn.MultiheadAttention(16, 4, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": block.project.weight,
            "in_proj_bias": block.project.bias,
            "out_proj.weight": block.merge.weight,
            "out_proj.bias": block.merge.bias,
        }
    )
    x, lengths = torch.randn(2, 9, 16), torch.tensor([9, 5])
    past = torch.arange(9) >= lengths[:, None]
    heard, _ = theirs(x, x, x, key_padding_mask=past)
    expected = block.norm(x + heard).masked_fill(past[..., None], 0)
    torch.testing.assert_close(block(x, lengths), expected, atol=1e-5, rtol=0)


def test_heads_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="5 heads do not divide frames of 16 numbers"):
        Mhsa(MhsaConfig(heads=5), FRAMES)
