"""The log-mel front end against numpy's Fourier transform, and what it undoes."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import Tensor

from fastdiar.core.spectrum import FLOOR, LOUDEST, LogMel, mel_bands
from fastdiar.core.structure import StructureError, structure
from fastdiar.plugins.encoders.melrescnn import MelResCnnConfig


def test_log_mel_is_that_of_numpy() -> None:
    front = LogMel(mels=40, window=400, hop=160)
    wave = speechlike(1600)
    spectra, lengths = front(wave[None], torch.tensor([1600]))
    padded = np.pad(wave.double().numpy() * LOUDEST, (120, 279))
    windows = np.stack([padded[start : start + 400] for start in range(0, 1600, 160)]) * np.hanning(400)
    power = np.abs(np.fft.rfft(windows, 512)) ** 2
    expected = np.log(power @ mel_bands(40).double().numpy().T + FLOOR).T
    expected -= expected.mean(1, keepdims=True)
    assert lengths.tolist() == [10]
    np.testing.assert_allclose(spectra[0].numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("hertz", [300.0, 1000.0, 4000.0])
def test_a_tone_sounds_in_the_band_around_it(hertz: float) -> None:
    front = LogMel(mels=60, window=400, hop=160)
    tone = 0.3 * torch.sin(2 * torch.pi * hertz / 16_000 * torch.arange(8000))
    # Half a second of tone, half of silence: the mean over time is taken off, the loudest band stays.
    clip = torch.cat((tone, torch.zeros(8000)))[None]
    loudest = front(clip, torch.tensor([16_000]))[0][0, :, 20].argmax()
    edges = np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + 7600 / 700), 62)
    centres = 700 * (10 ** (edges[1:-1] / 2595) - 1)
    assert abs(int(loudest) - int(np.abs(centres - hertz).argmin())) <= 1


def test_every_band_hears_something() -> None:
    assert (mel_bands(80).sum(1) > 0).all()


def test_level_is_undone() -> None:
    front = LogMel(mels=40, window=400, hop=160)
    wave, length = speechlike(16_000)[None], torch.tensor([16_000])
    torch.testing.assert_close(front(0.1 * wave, length)[0], front(wave, length)[0], atol=1e-3, rtol=0)


def test_digital_silence_gives_zeros() -> None:
    spectra, _ = LogMel(mels=40, window=400, hop=160)(torch.zeros(1, 4000), torch.tensor([4000]))
    assert spectra.abs().max() < 1e-5


@pytest.mark.parametrize("hop", [161, 402])
def test_a_hop_that_would_shift_frames_is_refused(hop: int) -> None:
    with pytest.raises(StructureError, match=re.escape(f"hop: must be at most 'window' (400), and even or odd as it is: {hop}")):
        structure({"hop": hop}, MelResCnnConfig)


def speechlike(samples: int) -> Tensor:
    """Noise as loud as speech, in every band."""
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(0))
