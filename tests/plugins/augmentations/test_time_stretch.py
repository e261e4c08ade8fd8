"""Stretched clips keep their pitch."""

from __future__ import annotations

import pytest
import torch

from fastdiar.core.pace import HOP, WINDOW, stretched
from fastdiar.core.types import RATE
from fastdiar.plugins.augmentations.time_stretch import TimeStretch, TimeStretchConfig
from tests.plugins.augmentations.conftest import batch_of, noise, pitch, tone

ALWAYS = TimeStretch(TimeStretchConfig(probability=1.0))


@pytest.mark.parametrize("percent", [90, 97, 105, 110])
@pytest.mark.parametrize("hertz", [120.0, 1000.0])
def test_the_pitch_stays_and_the_length_follows(hertz: float, percent: int) -> None:
    sound = tone(hertz)
    slow = ALWAYS.apply(batch_of(sound, torch.zeros(40_000)), {"percent": torch.tensor([percent, 100])})
    length = int(slow.lengths[0])
    assert length == -(-32_000 * 100 // percent)
    assert pitch(slow.waveform[0, :length]) == pytest.approx(hertz, rel=0.001)
    assert slow.waveform[0, length - 1000 : length].norm() > 0.5 * sound[-1000:].norm()
    assert not slow.waveform[0, length:].any()


def test_a_click_comes_sooner() -> None:
    sound = torch.zeros(2 * RATE)
    sound[16_000:16_020] = 1
    (fast,) = ALWAYS.apply(batch_of(sound), {"percent": torch.tensor([110])}).waveform
    assert abs(int(fast.abs().argmax()) - 16_000 / 1.1) < HOP


def test_the_vocoder_is_that_of_torchaudio() -> None:
    from torchaudio.functional import phase_vocoder

    sound, window = noise(16_000)[None], torch.hann_window(WINDOW)
    padded = torch.nn.functional.pad(sound, (0, WINDOW))
    spectrum = torch.stft(padded, WINDOW, HOP, window=window, pad_mode="constant", return_complex=True)
    advance = torch.linspace(0, torch.pi * HOP, WINDOW // 2 + 1)[:, None]
    theirs = torch.istft(phase_vocoder(spectrum, 0.93, advance), WINDOW, HOP, window=window)
    torch.testing.assert_close(stretched(sound, 93)[:, :17_000], theirs[:, :17_000], atol=1e-3, rtol=0)
