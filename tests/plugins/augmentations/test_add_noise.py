"""Noise is as loud as asked, and is the noise of the folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from fastdiar.core.errors import AudioError
from fastdiar.core.types import Batch
from fastdiar.plugins.augmentations.add_noise import AddNoise, AddNoiseConfig

LENGTHS = (8000, 5000)


def test_the_ratio_is_that_of_mean_powers_over_the_clips_own_samples() -> None:
    augment = AddNoise(AddNoiseConfig(probability=1.0, snr=(3.0, 17.0)))
    drawn = augment.draw(clips(), torch.Generator().manual_seed(0))
    added = augment.apply(clips(), drawn).waveform - clips().waveform
    for clip, noise, length, snr in zip(clips().waveform, added, LENGTHS, drawn["snr"], strict=True):
        ratio = 10 * torch.log10(clip[:length].square().mean() / noise[:length].square().mean())
        assert ratio.item() == pytest.approx(snr.item(), abs=1e-3)
        assert not noise[length:].any()
    assert drawn["snr"].min() >= 3 and drawn["snr"].max() <= 17


def test_the_noise_of_a_folder_repeats_where_it_is_short(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    ramp = np.linspace(-0.5, 0.5, 1000, dtype=np.float32)
    soundfile.write(tmp_path / "deep" / "ramp.WAV", ramp, 16_000, subtype="FLOAT", format="WAV")
    augment = AddNoise(AddNoiseConfig(probability=1.0, folder=tmp_path))
    noise = augment.draw(clips(), torch.Generator().manual_seed(0))["noise"]
    assert noise.shape == (2, 8000)
    torch.testing.assert_close(noise[:, 1000:], noise[:, :-1000])
    torch.testing.assert_close(noise[0, :1000].sort().values, torch.from_numpy(ramp))
    assert not torch.equal(noise[0], noise[1])


@pytest.mark.parametrize("kept", [30.0, 1.0])
def test_a_long_recording_gives_a_stretch_of_it(kept: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdiar.plugins.augmentations.add_noise.KEPT_SECONDS", kept)
    ramp = np.linspace(-0.5, 0.5, 90_000, dtype=np.float32)
    soundfile.write(tmp_path / "ramp.wav", ramp, 48_000, subtype="FLOAT")
    noise = AddNoise(AddNoiseConfig(probability=1.0, folder=tmp_path)).draw(clips(), torch.Generator().manual_seed(0))["noise"]
    slope = (ramp[1] - ramp[0]) * 3  # 48 kHz are heard at 16
    torch.testing.assert_close(noise[:, 200:-200].diff(dim=1), torch.full((2, 7599), float(slope)), rtol=0, atol=1e-6)
    assert noise[0, 4000] != noise[1, 4000]


def test_silent_noise_adds_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(100, np.float32), 16_000)
    augment = AddNoise(AddNoiseConfig(probability=1.0, folder=tmp_path))
    assert torch.equal(augment(clips(), torch.Generator().manual_seed(0)).waveform, clips().waveform)


def test_a_folder_without_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hum")
    with pytest.raises(AudioError, match="holds no recording"):
        AddNoise(AddNoiseConfig(folder=tmp_path))


def test_a_broken_recording_is_told_before_training_begins(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "good.wav", np.zeros(100, np.float32), 16_000)
    (tmp_path / "text.wav").write_text("hum")
    with pytest.raises(AudioError, match=r"text.wav: not a recording that can be read"):
        AddNoise(AddNoiseConfig(folder=tmp_path))


def test_as_many_clips_as_asked_are_noisy() -> None:
    many = Batch(torch.ones(400, 8), torch.full((400,), 8), {})
    snr = AddNoise(AddNoiseConfig(probability=0.25)).draw(many, torch.Generator().manual_seed(0))["snr"]
    assert 70 < snr.isfinite().sum() < 130


def clips() -> Batch:
    waveform: Tensor = 0.2 * torch.randn(2, 8000, generator=torch.Generator().manual_seed(1))
    waveform[1, 5000:] = 0
    return Batch(waveform, torch.tensor(LENGTHS), {})
