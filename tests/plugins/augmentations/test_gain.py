"""Levels change by as many decibels as drawn."""

from __future__ import annotations

import re

import pytest
import torch

from fastdiar.core.structure import StructureError, structure
from fastdiar.core.types import Batch
from fastdiar.plugins.augmentations.gain import Gain, GainConfig


def test_six_decibels_double() -> None:
    augment = Gain(GainConfig(probability=1.0, gain=(-20.0, 20.0)))
    batch = Batch(torch.full((100, 4), 0.25), torch.full((100,), 4), {})
    drawn = augment.draw(batch, torch.Generator().manual_seed(0))["gain"]
    assert -20 <= drawn.min() < -15 and 15 < drawn.max() <= 20
    changed = augment.apply(batch, {"gain": torch.full((100,), 6.0206)})
    torch.testing.assert_close(changed.waveform, torch.full((100, 4), 0.5), atol=1e-5, rtol=0)


def test_a_range_upside_down_is_refused() -> None:
    with pytest.raises(StructureError, match=re.escape("gain: must be a range, its lower bound first: [6.0, -12.0]")):
        structure({"gain": [6, -12]}, GainConfig)
