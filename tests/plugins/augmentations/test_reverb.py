"""Rooms ring as long as drawn, and move nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from fastdiar.core.errors import AudioError
from fastdiar.plugins.augmentations.reverb import BEFORE, Reverb, ReverbConfig
from tests.plugins.augmentations.conftest import batch_of, noise, seeded


def click(samples: int = 16_000) -> torch.Tensor:
    sound = torch.zeros(samples)
    sound[1000] = 1
    return sound


def test_a_made_room_falls_by_60_decibels_in_the_time_drawn() -> None:
    augment = Reverb(ReverbConfig(probability=1.0, rt60=(0.3, 0.6)))
    drawn = augment.draw(batch_of(*[click()] * 8), seeded())
    for response, rt60 in zip(drawn["response"], drawn["rt60"], strict=True):
        left = response[BEFORE + 100 :].flip(0).square().cumsum(0).flip(0)  # Schroeder's backward integration
        decibels = 10 * torch.log10(left / left[0])
        begin, end = ((decibels < level).nonzero()[0, 0].item() for level in (-5, -25))
        assert 3 * (end - begin) / 16_000 == pytest.approx(rt60.item(), rel=0.12)
        assert response.norm().item() == pytest.approx(1, abs=1e-5)


def test_the_direct_sound_is_as_loud_as_drawn_and_stays_in_place() -> None:
    augment = Reverb(ReverbConfig(probability=1.0, direct=(3.0, 9.0)))
    batch = batch_of(*[click()] * 8)
    drawn = augment.draw(batch, seeded())
    for heard, direct in zip(augment.apply(batch, drawn).waveform, drawn["direct"], strict=True):
        assert heard[:1000].abs().max() < 1e-6
        ratio = 10 * torch.log10(heard[1000].square() / heard[1001:].square().sum())
        assert ratio.item() == pytest.approx(direct.item(), abs=0.2)


def test_the_level_stays_about_the_same() -> None:
    batch = batch_of(*(noise(32_000, seed) for seed in range(8)))
    heard = Reverb(ReverbConfig(probability=1.0))(batch, seeded()).waveform
    decibels = 20 * torch.log10(heard.norm(dim=1) / batch.waveform.norm(dim=1))
    assert decibels.abs().max() < 1.5


def test_a_measured_room_is_heard_from_its_direct_sound_on(tmp_path: Path) -> None:
    (tmp_path / "hall").mkdir()
    response = np.zeros(2000, np.float32)
    response[[300, 700]] = 0.8, -0.4
    soundfile.write(tmp_path / "hall" / "a.wav", response, 16_000, subtype="FLOAT")
    (heard,) = Reverb(ReverbConfig(probability=1.0, folder=tmp_path))(batch_of(click()), seeded()).waveform
    assert (heard.abs() > 0.1).nonzero()[:, 0].tolist() == [1000, 1400]
    assert (heard[1400] / heard[1000]).item() == pytest.approx(-0.5, abs=1e-4)


def test_the_rooms_of_a_real_collection(shared: Path) -> None:
    augment = Reverb(ReverbConfig(probability=1.0, folder=shared / "data" / "rir"))
    batch = batch_of(*[click()] * 40)
    drawn = augment.draw(batch, seeded())
    assert len({tuple(response[:100].tolist()) for response in drawn["response"]}) > 10
    assert (augment.apply(batch, drawn).waveform.abs().argmax(1) == 1000).all()


def test_a_folder_without_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="holds no recording"):
        Reverb(ReverbConfig(folder=tmp_path))
