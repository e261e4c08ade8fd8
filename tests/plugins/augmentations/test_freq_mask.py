"""A band goes, the rest stays."""

from __future__ import annotations

import pytest
import torch

from fastdiar.plugins.augmentations.freq_mask import FreqMask, FreqMaskConfig
from tests.plugins.augmentations.conftest import batch_of, noise, seeded, tone

ALWAYS = FreqMask(FreqMaskConfig(probability=1.0))


def test_tones_in_the_band_go_and_others_stay() -> None:
    batch = batch_of(tone(500), tone(1500), tone(2500), tone(1500))
    low, high = torch.tensor([1000.0, 1000.0, 1000.0, 0.0]), torch.tensor([2000.0, 2000.0, 2000.0, 0.0])
    masked = ALWAYS.apply(batch, {"low": low, "high": high}).waveform
    left = (masked.norm(dim=1) / batch.waveform.norm(dim=1)).tolist()
    assert left[1] < 0.02
    middle = slice(1000, -1000)  # where a tone begins and ends it sounds on all frequencies
    torch.testing.assert_close(masked[[0, 2, 3], middle], batch.waveform[[0, 2, 3], middle], atol=1e-3, rtol=0)
    assert torch.equal(masked[3], batch.waveform[3])


def test_bands_cover_the_spectrum_and_are_as_wide_as_asked() -> None:
    drawn = ALWAYS.draw(batch_of(*[noise(10)] * 500), seeded())
    low, high = (2595 * torch.log10(1 + drawn[name] / 700) / 2840 for name in ("low", "high"))
    assert 0.049 < (high - low).min() < 0.055 and 0.145 < (high - low).max() < 0.151
    assert low.min() < 0.02 and high.max() > 0.98
    assert drawn["high"].max() <= 8000.5 and drawn["low"].min() >= 0
    assert drawn["low"].median() < 3000


def test_white_noise_loses_what_the_band_held() -> None:
    batch = batch_of(noise(48_000))
    masked = ALWAYS.apply(batch, {"low": torch.tensor([2000.0]), "high": torch.tensor([4000.0])}).waveform
    assert (masked.square().sum() / batch.waveform.square().sum()).item() == pytest.approx(0.75, abs=0.02)
