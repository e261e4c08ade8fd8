"""Each clip is changed by one choice at most, as often as asked."""

from __future__ import annotations

import attrs
import pytest
import torch

from fastdiar.core.component import Part
from fastdiar.plugins.augmentations.babble import Babble, BabbleConfig
from fastdiar.plugins.augmentations.gain import Gain, GainConfig
from fastdiar.plugins.augmentations.one_of import OneOf, OneOfConfig
from fastdiar.plugins.augmentations.speed import Speed, SpeedConfig
from fastdiar.plugins.augmentations.time_mask import TimeMask, TimeMaskConfig
from tests.plugins.augmentations.conftest import batch_of, noise, seeded

LOUDER = Part("gain", GainConfig(probability=0.5, gain=(6.0, 6.0)), Gain)
SILENCED = Part("time_mask", TimeMaskConfig(probability=0.25, share=(0.5, 0.5)), TimeMask)
FASTER = Part("speed", SpeedConfig(probability=1.0, factor=(1.1, 1.1)), Speed)


def test_a_clip_has_one_change_or_none_as_often_as_asked() -> None:
    augment = OneOf(OneOfConfig(choices={"loud": LOUDER, "mute": SILENCED}))
    batch = batch_of(*[torch.ones(100)] * 400)
    changed = augment(batch, seeded()).waveform
    loud, muted = changed.max(1).values > 1.5, (changed == 0).sum(1) == 50
    assert not (loud & muted).any()
    assert 160 < loud.sum() < 240 and 70 < muted.sum() < 130
    assert torch.equal(changed[~loud & ~muted], batch.waveform[~loud & ~muted])


def test_its_own_probability_is_about_all_choices() -> None:
    augment = OneOf(OneOfConfig(choices={"loud": LOUDER, "mute": SILENCED}, probability=0.4))
    drawn = augment.draw(batch_of(*[torch.ones(10)] * 1000), seeded())
    assert 160 < len(drawn["loud.clips"]) < 240 and 70 < len(drawn["mute.clips"]) < 130


def test_drawn_values_are_told_by_choice_and_replay() -> None:
    augment = OneOf(OneOfConfig(choices={"loud": LOUDER, "mute": SILENCED}))
    batch = batch_of(*(noise(100, seed) for seed in range(20)))
    drawn = augment.draw(batch, seeded(1))
    assert drawn.keys() == {"loud.clips", "loud.gain", "mute.clips", "mute.start", "mute.length"}
    assert len(drawn["mute.clips"]) == len(drawn["mute.start"])
    assert torch.equal(augment.apply(batch, drawn).waveform, augment(batch, seeded(1)).waveform)


def test_lengths_and_activity_of_changed_clips_come_along() -> None:
    augment = OneOf(OneOfConfig(choices={"fast": attrs.evolve(FASTER, config=attrs.evolve(FASTER.config, probability=0.5))}))
    batch = attrs.evolve(batch_of(*[noise(1100)] * 10), activity=torch.ones(10, 11, 1))
    drawn = augment.draw(batch, seeded())
    changed = augment.apply(batch, drawn)
    fast = torch.zeros(10, dtype=torch.bool).index_fill(0, drawn["fast.clips"], True)
    assert 0 < fast.sum() < 10
    assert changed.lengths.tolist() == [1000 if each else 1100 for each in fast.tolist()]
    assert changed.activity is not None
    assert changed.activity.sum((1, 2)).tolist() == [10 if each else 11 for each in fast.tolist()]


def test_a_choice_that_needs_others_hears_the_whole_batch() -> None:
    babble = Part("babble", BabbleConfig(probability=0.2, voices=1, snr=(10.0, 10.0)), Babble)
    augment = OneOf(OneOfConfig(choices={"others": babble, "mute": SILENCED}))
    batch = batch_of(*(noise(100, seed) for seed in range(12)), speaker=[0] * 6 + [1] * 6)
    heard = {True: 0, False: 0}
    for seed in range(20):
        drawn = augment.draw(batch, seeded(seed))
        if "others.clips" in drawn:
            changed = augment.apply(batch, {key: drawn[key] for key in drawn if key.startswith("others")})
            added = changed.waveform - batch.waveform
            assert added.any(1).nonzero()[:, 0].tolist() == drawn["others.clips"].tolist()
            for clip, (voice,) in zip(drawn["others.clips"], drawn["others.voices"], strict=True):
                background = batch.waveform[voice] * batch.waveform[clip].norm() / batch.waveform[voice].norm() * 10**-0.5
                torch.testing.assert_close(added[clip], background, atol=1e-5, rtol=0)
                assert (voice < 6) != (clip < 6)
                heard[bool((drawn["others.clips"] == voice).any())] += 1
    assert heard[False] > heard[True] > 0


def test_one_of_may_hold_another() -> None:
    inner = Part("one_of", OneOfConfig(choices={"loud": LOUDER}, probability=1.0), OneOf)
    augment = OneOf(OneOfConfig(choices={"inner": inner}))
    batch = batch_of(*[torch.ones(10)] * 400)
    drawn = augment.draw(batch, seeded())
    assert drawn.keys() == {"inner.clips", "inner.loud.clips", "inner.loud.gain"}
    assert 160 < (augment.apply(batch, drawn).waveform[:, 0] > 1.5).sum() < 240


def test_probabilities_that_are_more_than_certain_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the probabilities of fast, loud sum to 1\.5: they must be 1 or less together"):
        OneOfConfig(choices={"fast": FASTER, "loud": LOUDER})
    thirds = attrs.evolve(LOUDER, config=GainConfig(probability=1 / 3))
    OneOfConfig(choices={"a": thirds, "b": thirds, "c": thirds})


def test_a_choice_without_probability_is_refused() -> None:
    @attrs.frozen
    class Bare:
        """Nothing to choose."""

    with pytest.raises(ValueError, match="'x': the augmentation 'acme/x' has no key 'probability', which one_of chooses by"):
        OneOfConfig(choices={"x": Part("acme/x", Bare(), Gain)})
