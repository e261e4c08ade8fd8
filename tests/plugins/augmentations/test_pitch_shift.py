"""Tones come out as much higher or lower as drawn, when they were, for as long."""

from __future__ import annotations

import math
import re

import pytest
import torch

from fastdiar.core.structure import StructureError, structure
from fastdiar.plugins.augmentations.pitch_shift import PitchShift, PitchShiftConfig
from tests.plugins.augmentations.conftest import batch_of, pitch, seeded, tone

ALWAYS = PitchShift(PitchShiftConfig(probability=1.0))


@pytest.mark.parametrize("percent", [89, 94, 106, 112])
@pytest.mark.parametrize("hertz", [110.0, 440.0, 1760.0])
def test_a_tone_is_shifted_by_as_much_as_drawn(hertz: float, percent: int) -> None:
    batch = batch_of(tone(hertz), tone(hertz)[:20_000])
    shifted = ALWAYS.apply(batch, {"percent": torch.tensor([percent, 100])})
    assert pitch(shifted.waveform[0]) == pytest.approx(hertz * percent / 100, rel=0.002)
    assert torch.equal(shifted.waveform[1], batch.waveform[1])
    middle = slice(8_000, 24_000)
    assert shifted.waveform[0, middle].norm().item() == pytest.approx(batch.waveform[0, middle].norm().item(), rel=0.1)


def test_sound_stays_where_it_was() -> None:
    sound = torch.cat((torch.zeros(12_000), tone(300, 8_000), torch.zeros(12_000)))
    (shifted,) = ALWAYS.apply(batch_of(sound), {"percent": torch.tensor([112])}).waveform
    heard = (shifted.abs() > 0.1).nonzero()[:, 0]
    assert abs(int(heard[0]) - 12_000) < 300 and abs(int(heard[-1]) - 20_000) < 300


def test_semitones_are_drawn_evenly_between_the_bounds() -> None:
    percent = ALWAYS.draw(batch_of(*[tone(100, 10)] * 400), seeded())["percent"]
    semitones = 12 * torch.log2(percent / 100)
    assert semitones.min() > -2.1 and semitones.max() < 2.1
    assert (semitones > 0.5).sum() > 100 and (semitones < -0.5).sum() > 100
    assert math.isclose(semitones.mean(), 0, abs_tol=0.2)


def test_more_than_an_octave_is_refused() -> None:
    with pytest.raises(StructureError, match=re.escape("semitones: must be <= 12: 24.0")):
        structure({"semitones": [0, 24]}, PitchShiftConfig)
