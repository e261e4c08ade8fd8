"""Rooms, noise and the telephone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastdiar.core.types import RATE
from fastdiar.plugins.datasets.conversation import acoustics


def test_a_room_keeps_the_direct_sound_in_its_place() -> None:
    random = np.random.default_rng(0)
    click = np.zeros(RATE, np.float32)
    click[8_000] = 1
    for _ in range(5):
        heard = acoustics.heard_in(click, acoustics.position(acoustics.drawn_room(random), random))
        assert heard.shape == click.shape and np.abs(heard[:8_000]).max() < 1e-6
        assert abs(int(np.argmax(np.abs(heard))) - 8_000) < 16


def test_places_in_a_room_differ() -> None:
    random = np.random.default_rng(0)
    room = acoustics.drawn_room(random)
    one, other = acoustics.position(room, random), acoustics.position(room, random)
    assert np.sum(one**2) == pytest.approx(1, rel=1e-3)
    assert abs(np.corrcoef(one[acoustics.DIRECT :], other[acoustics.DIRECT :])[0, 1]) < 0.9


def test_the_telephone_cuts_the_band_and_keeps_the_length() -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, RATE + 1).astype(np.float32)
    heard = acoustics.over_telephone(noise)
    assert heard.shape == noise.shape
    power = np.abs(np.fft.rfft(heard)) ** 2
    assert power[4_500:].sum() < 1e-2 * power[300:3_400].sum()


def test_a_bed_of_noise_has_the_length_asked_for(material: Path) -> None:
    bed = acoustics.noise_bed(sorted((material / "noises" / "fan").glob("*.wav")), 12 * RATE, np.random.default_rng(0))
    assert bed.shape == (12 * RATE,)
    assert np.sqrt(np.mean(bed.reshape(12, -1) ** 2, axis=1)) == pytest.approx(np.full(12, 0.1), rel=0.2)
