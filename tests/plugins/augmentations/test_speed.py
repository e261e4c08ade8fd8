"""Faster clips are higher and shorter, and the batch says so."""

from __future__ import annotations

import attrs
import pytest
import torch

from fastdiar.plugins.augmentations.speed import Speed, SpeedConfig
from tests.plugins.augmentations.conftest import batch_of, pitch, seeded, tone

ALWAYS = Speed(SpeedConfig(probability=1.0))


@pytest.mark.parametrize("percent", [90, 97, 105, 110])
def test_pitch_and_length_follow_the_pace(percent: int) -> None:
    fast = ALWAYS.apply(batch_of(tone(200)), {"percent": torch.tensor([percent])})
    assert fast.waveform.shape == (1, 32_000)
    assert fast.lengths.tolist() == [min(32_000, -(-3_200_000 // percent))]
    assert not fast.waveform[0, fast.lengths[0] :].any()
    assert pitch(fast.waveform[0, : fast.lengths[0]]) == pytest.approx(2 * percent, rel=0.001)


def test_a_slower_clip_uses_the_room_there_is() -> None:
    batch = batch_of(tone(200), tone(200)[:10_000])
    assert ALWAYS.apply(batch, {"percent": torch.tensor([90, 90])}).lengths.tolist() == [32_000, 11_112]


def test_who_speaks_when_follows_the_sound() -> None:
    activity = torch.zeros(2, 100, 3)
    activity[:, 50:60, 1] = 1
    batch = attrs.evolve(batch_of(tone(200), tone(200)), activity=activity)
    moved = ALWAYS.apply(batch, {"percent": torch.tensor([200, 100])}).activity
    assert moved is not None
    assert moved[0, :, 1].nonzero()[:, 0].tolist() == [25, 26, 27, 28, 29]
    assert not moved[0, :, [0, 2]].any()
    assert torch.equal(moved[1], activity[1])


def test_as_many_as_asked_are_drawn_between_the_bounds() -> None:
    many = batch_of(*[tone(100, 10)] * 400)
    percent = Speed(SpeedConfig(probability=0.5, factor=(0.95, 1.2))).draw(many, seeded())["percent"]
    assert 94 <= percent.min() <= 96 and 118 <= percent.max() <= 120
    assert 160 < (percent != 100).sum() < 240
