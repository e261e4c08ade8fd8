"""Which clips a step trains on."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
import pytest

from fastdiar.core.tables import Trainer
from fastdiar.training.sampler import TrainingSampler, middles

SPEAKERS = ["ann"] * 10 + ["bob"] * 2 + ["cyd"] * 6
TRAINER = Trainer(batch_size=4, seconds=(1.0, 2.0), seed=3)


def test_an_epoch_hears_each_utterance_at_most_once_and_leaves_out_less_than_a_batch() -> None:
    sampler = TrainingSampler(SPEAKERS, TRAINER)
    batches = list(sampler)
    indices = [crop.index for batch in batches for crop in batch]
    assert len(batches) == len(sampler) == 4
    assert len(indices) == len(set(indices)) == 16


def test_clips_of_a_batch_have_one_length_between_the_bounds() -> None:
    lengths = [{crop.samples for crop in batch} for batch in TrainingSampler(SPEAKERS, TRAINER)]
    assert all(len(each) == 1 for each in lengths)
    assert len(set.union(*lengths)) > 1
    assert all(16_000 <= length <= 32_000 for length in set.union(*lengths))


def test_balanced_hears_every_speaker_equally_often_and_their_utterances_in_turn() -> None:
    sampler = TrainingSampler(SPEAKERS, attrs.evolve(TRAINER, sampler="balanced", batch_size=18))
    indices = [crop.index for batch in sampler for crop in batch]
    assert Counter(SPEAKERS[index] for index in indices) == {"ann": 6, "bob": 6, "cyd": 6}
    assert Counter(index for index in indices if SPEAKERS[index] == "bob") == {10: 3, 11: 3}


@pytest.mark.parametrize("together", [2, 3, 6])
def test_speakers_bring_several_utterances_to_a_batch(together: int) -> None:
    trainer = attrs.evolve(TRAINER, sampler="balanced", batch_size=6, utterances_per_speaker=together)
    batches = [[SPEAKERS[crop.index] for crop in batch] for batch in TrainingSampler(SPEAKERS, trainer)]
    assert len(batches) == 3
    for batch in batches:
        groups = [batch[start : start + together] for start in range(0, 6, together)]
        assert all(len(set(group)) == 1 for group in groups)
    heard = Counter(speaker for batch in batches for speaker in batch)
    assert max(heard.values()) - min(heard.values()) <= together


@pytest.mark.parametrize(
    ("keys", "message"),
    [({}, 'needs sampler = "balanced": 2'), ({"sampler": "balanced", "batch_size": 5}, "must divide .*, which is 5: 2")],
)
def test_utterances_that_cannot_stay_together(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trainer(utterances_per_speaker=2, **keys)


def test_epochs_differ_and_repeat_exactly() -> None:
    first, again, second = (TrainingSampler(SPEAKERS, TRAINER) for _ in range(3))
    second.epoch = 1
    assert list(first) == list(again)
    assert list(first) != list(second)


def test_going_on_in_the_middle_gives_the_rest_of_the_epoch() -> None:
    whole, rest = TrainingSampler(SPEAKERS, TRAINER), TrainingSampler(SPEAKERS, TRAINER)
    rest.first = 2
    assert list(rest) == list(whole)[2:]


def test_processes_share_each_step() -> None:
    one, other = (TrainingSampler(SPEAKERS, attrs.evolve(TRAINER, batch_size=2), rank, 2) for rank in (0, 1))
    assert len(one) == len(other) == len(TrainingSampler(SPEAKERS, TRAINER))
    assert not {crop.index for batch in one for crop in batch} & {crop.index for batch in other for crop in batch}


def test_fewer_utterances_than_a_batch_are_one_batch() -> None:
    assert [len(batch) for batch in TrainingSampler(["ann", "bob"], TRAINER)] == [2]


def test_middles_take_every_entry_once_in_order() -> None:
    batches = middles(5, 16_000, 2)
    assert [[crop.index for crop in batch] for batch in batches] == [[0, 1], [2, 3], [4]]
    assert all(crop.seed is None for batch in batches for crop in batch)
