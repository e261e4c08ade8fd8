"""Silences are as long as asked, and lie in the clip."""

from __future__ import annotations

import torch

from fastdiar.core.types import Batch
from fastdiar.plugins.augmentations.time_mask import TimeMask, TimeMaskConfig


def test_one_stretch_of_each_clip_is_silent() -> None:
    lengths = torch.tensor([2000, 1000] * 50)
    waveform = (torch.arange(2000) < lengths[:, None]).float()
    masked = TimeMask(TimeMaskConfig(probability=1.0))(Batch(waveform, lengths, {}), torch.Generator().manual_seed(0))
    shares = []
    for clip, length in zip(masked.waveform, lengths.tolist(), strict=True):
        silent = (clip[:length] == 0).nonzero()[:, 0]
        assert silent[-1] - silent[0] + 1 == len(silent)
        shares.append(len(silent) / length)
    assert 0.049 <= min(shares) < 0.06 and 0.14 < max(shares) <= 0.151


def test_a_whole_clip_can_be_silent() -> None:
    augment = TimeMask(TimeMaskConfig(probability=1.0, share=(1.0, 1.0)))
    batch = Batch(torch.ones(3, 50), torch.tensor([50, 20, 0]), {})
    silent = augment(batch, torch.Generator().manual_seed(0)).waveform == 0
    assert silent.sum(1).tolist() == [50, 20, 0]
