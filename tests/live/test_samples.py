"""Sound of any rate and kind becomes hops of float32 at 16 kHz."""

from __future__ import annotations

import numpy as np
import pytest

from fastdiar.core.errors import AudioError
from fastdiar.live.samples import Intake, pcm

SECOND = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)


def taken(samples: np.ndarray, rate: int, pieces: int = 7) -> np.ndarray:
    intake = Intake(rate, hop=1000)
    hops = [hop for piece in np.array_split(samples, pieces) for hop in intake.push(piece)]
    assert {len(hop) for hop in hops} <= {1000}
    return np.concatenate([*hops, intake.finish()])


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_any_rate_becomes_16_khz(rate: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    heard = taken(tone, rate)
    assert (heard.dtype, len(heard)) == (np.float32, 16_000)
    assert np.abs(heard[500:-500] - SECOND[::3][500:-500]).max() < 0.01


@pytest.mark.parametrize("pieces", [1, 3, 400])
def test_pieces_of_any_size_are_the_same_sound(pieces: int) -> None:
    np.testing.assert_allclose(taken(SECOND, 48_000, pieces), taken(SECOND, 48_000), atol=1e-6)


def test_16_bit_samples_are_scaled_and_channels_averaged() -> None:
    stereo = np.array([[16_384, 0], [-32_768, -32_768], [0, 8_192]], np.int16)
    np.testing.assert_array_equal(taken(stereo, 16_000), np.array([0.25, -1, 0.125], np.float32))
    np.testing.assert_array_equal(pcm(stereo.astype("<i2").tobytes(), channels=2), stereo)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(3, np.int32), r"expected int16 or float \[samples\] or \[samples, channels\], got int32 \[3\]"),
        (np.zeros((1, 1, 1)), r"got float64 \[1, 1, 1\]"),
        (np.array([0.0, np.nan]), r"not numbers \(NaN or infinite\)"),
    ],
)
def test_what_is_no_sound_is_refused(samples: np.ndarray, reason: str) -> None:
    with pytest.raises(AudioError, match=reason):
        list(Intake(16_000, hop=100).push(samples))


def test_a_broken_rate_and_a_cut_sample_are_refused() -> None:
    with pytest.raises(AudioError, match="a sampling rate of 10 Hz cannot be right"):
        Intake(10, hop=100)
    with pytest.raises(AudioError, match="6 bytes are not whole 16-bit samples of 2 channels"):
        pcm(b"123456", channels=2)
