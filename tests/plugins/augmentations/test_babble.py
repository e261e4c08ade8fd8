"""Others talk in the background: as loud as drawn, never oneself."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.plugins.augmentations.babble import Babble, BabbleConfig
from tests.plugins.augmentations.conftest import batch_of, noise, seeded


def clips(**labels: list[int]):  # type: ignore[no-untyped-def]
    return batch_of(*(noise(8_000 - 1_000 * seed, seed) for seed in range(4)), **labels)


def test_the_ratio_is_that_of_mean_powers() -> None:
    augment, batch = Babble(BabbleConfig(probability=1.0, snr=(5.0, 15.0))), clips()
    drawn = augment.draw(batch, seeded())
    added = augment.apply(batch, drawn).waveform - batch.waveform
    for clip, babble, length, snr in zip(batch.waveform, added, batch.lengths.tolist(), drawn["snr"], strict=True):
        ratio = 10 * torch.log10(clip.square().sum() / babble.square().sum())
        assert ratio.item() == pytest.approx(snr.item(), abs=1e-2)
        assert not babble[length:].any()
    assert drawn["snr"].min() >= 5 and drawn["snr"].max() <= 15


def test_the_background_is_the_drawn_clips() -> None:
    augment, batch = Babble(BabbleConfig(probability=1.0, voices=2)), clips()
    drawn = {"voices": torch.tensor([[1, 3], [2, -1], [-1, -1], [0, 1]]), "snr": torch.full((4,), 10.0)}
    added = augment.apply(batch, drawn).waveform - batch.waveform
    expected = batch.waveform[1] + batch.waveform[3]
    torch.testing.assert_close(added[0] / added[0].norm(), expected / expected.norm(), atol=1e-4, rtol=0)
    assert torch.equal(added[2], torch.zeros(8_000))


@given(st.lists(st.integers(-1, 2), min_size=1, max_size=7), st.integers(1, 5), st.integers(0, 99))
def test_nobody_talks_behind_their_own_back(speakers: list[int], voices: int, seed: int) -> None:
    batch = batch_of(*(noise(8, number) for number in range(len(speakers))), speaker=speakers)
    drawn = Babble(BabbleConfig(probability=1.0, voices=voices)).draw(batch, seeded(seed))["voices"]
    for clip, others in enumerate(drawn.tolist()):
        heard = [other for other in others if other >= 0]
        strangers = {other for other, its in enumerate(speakers) if other != clip and (its != speakers[clip] or its < 0)}
        assert len(heard) == len(set(heard)) == min(voices, len(strangers))
        assert set(heard) <= strangers


def test_a_clip_alone_stays_as_it_is() -> None:
    batch = batch_of(noise(100))
    assert torch.equal(Babble(BabbleConfig(probability=1.0))(batch, seeded()).waveform, batch.waveform)
