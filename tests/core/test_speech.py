"""Where a voice speaks in a clean recording."""

from __future__ import annotations

import numpy as np
import pytest

from fastdiar.core.speech import find_speech
from fastdiar.core.types import RATE
from tests.plugins.datasets.conversation.conftest import make_voice


@pytest.mark.parametrize("noise", [1e-5, 1e-3, 5e-3])
@pytest.mark.parametrize("gain", [0.01, 1.0])
def test_finds_speech_whatever_the_level_and_the_background(noise: float, gain: float) -> None:
    said = ((0.3, 1.5), (2.2, 4.0))
    found = find_speech(gain * make_voice(0, noise=noise, said=said, seconds=5.0))
    assert len(found) == 2
    assert np.array(found) / RATE == pytest.approx(np.array(said), abs=0.08)


def test_short_pauses_belong_to_the_speech_around_them_and_clicks_do_not() -> None:
    found = find_speech(make_voice(0, said=((0.5, 1.5), (1.7, 2.5), (3.5, 3.51), (4.0, 5.0))))
    assert np.array(found) / RATE == pytest.approx(np.array([(0.5, 2.5), (4.0, 5.0)]), abs=0.08)


def test_nobody_speaks_in_steady_noise_or_silence() -> None:
    assert find_speech(np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32)) == []
    assert find_speech(np.zeros(RATE, np.float32)) == []
