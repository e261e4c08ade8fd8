"""Each measure tells what it should of sounds made to have it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.types import RATE
from fastdiar.inspection.quality import LIMITS, Limit, measure


def voice(seconds: float = 3.0, level: float = 0.1, noise: float = 1e-3, seed: int = 0) -> np.ndarray:
    """Noise in syllables with pauses between, over quieter noise."""
    random, time = np.random.default_rng(seed), np.arange(round(seconds * RATE)) / RATE
    said = np.sin(2 * np.pi * time) > -0.4
    return (level * said * random.standard_normal(len(time)) + noise * random.standard_normal(len(time))).astype(np.float32)


def failing(samples: np.ndarray) -> set[str]:
    return {name for name, value in measure(samples).items() if LIMITS[name].excess(np.array(value)) > 0}


def test_a_good_recording_is_within_all_limits() -> None:
    assert failing(voice()) == set()


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("level", voice(level=0.002, noise=1e-5)),
        ("level", voice(level=0.5)),
        ("clipping", voice(level=0.2).clip(-0.3, 0.3)),
        ("silence", np.concatenate((voice(1.0), np.zeros(4 * RATE, np.float32)))),
        ("offset", voice() + np.float32(0.01)),
        ("band", soxr.resample(soxr.resample(voice(), RATE, 8_000), 8_000, RATE)),
        ("SNR", voice(noise=0.06)),
    ],
)
def test_what_a_person_would_hear_is_beyond_its_limit(name: str, samples: np.ndarray) -> None:
    assert name in failing(samples)


def test_the_measures_are_what_they_say() -> None:
    time = np.arange(2 * RATE) / RATE
    tone = (0.1 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    found = measure(tone + np.float32(0.002))
    assert found["level"] == pytest.approx(20 * math.log10(0.1 / math.sqrt(2)), abs=0.01)
    assert found["offset"] == pytest.approx(0.2, abs=0.01)
    assert 1000 <= found["band"] < 1200
    assert (found["clipping"], found["silence"]) == (0, 0)


@pytest.mark.parametrize("snr", [5.0, 15.0, 30.0])
def test_the_estimated_ratio_comes_close(snr: float) -> None:
    assert measure(voice(noise=0.1 * 10 ** (-snr / 20)))["SNR"] == pytest.approx(snr, abs=2.5)


def test_digital_silence_has_no_band_and_no_ratio() -> None:
    found = measure(np.zeros(RATE, np.float32))
    assert math.isnan(found["band"]) and math.isnan(found["SNR"])
    assert (found["level"], found["silence"], found["clipping"]) == (-100, 100, 0)
    assert failing(np.zeros(RATE, np.float32)) == {"level", "silence"}


@given(st.integers(1, 700), st.sampled_from([0.0, 1e-6, 0.1, 3.0]), st.integers(0, 9))
def test_any_sound_can_be_measured(samples: int, level: float, seed: int) -> None:
    found = measure((level * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32))
    assert found.keys() <= LIMITS.keys()
    assert not any(math.isinf(value) for value in found.values())


def test_a_limit_holds_at_its_bounds_and_for_what_is_not_known() -> None:
    excess = Limit("dB", "level", lowest=-3, highest=3).excess(np.array([-4, -3, 0, 3, 5, math.nan]))
    assert excess[:5].tolist() == [1, 0, -3, 0, 2]
    assert not excess[5] > 0
