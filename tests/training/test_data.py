"""From entries to batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from fastdiar.core.dataset import Entry
from fastdiar.core.errors import MissingExtra, RecipeError
from fastdiar.plugins.datasets.folder import Folder, FolderConfig
from fastdiar.recipe import read_recipe
from fastdiar.training.data import Clip, Clips, Source, collate, loader, read_corpus
from fastdiar.training.sampler import Crop, TrainingSampler

RAMP = (np.arange(8_000) / 8_000).astype(np.float32)


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    """A clip of half a second that rises from 0 to 1, one of 5 ms, and one that is no sound."""
    (tmp_path / "ann").mkdir()
    soundfile.write(tmp_path / "ann" / "a.wav", RAMP, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "ann" / "b.wav", RAMP[:80], 16_000, subtype="FLOAT")
    (tmp_path / "ann" / "c.wav").write_text("no sound")
    dataset = Folder(FolderConfig(root=tmp_path))
    return Clips(Source(dataset, tuple(dataset.entries())), cache_bytes=1 << 20)


def test_a_crop_lies_where_its_seed_says_and_without_one_in_the_middle(clips: Clips) -> None:
    middle, one, same, other = (clips[Crop(0, 1_000, seed)].samples for seed in (None, (1,), (1,), (2,)))
    np.testing.assert_array_equal(middle, RAMP[3_500:4_500])
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_what_cannot_be_used_is_left_out_of_the_batch_and_named(clips: Clips) -> None:
    (loaded,) = loader(clips, [[Crop(index, 12_000, (0,)) for index in range(3)]], {"speaker": ["ann"], "sex": ["f"]}, workers=0)
    assert loaded.batch.keys == ("ann/a",)
    assert [label.tolist() for label in loaded.batch.labels.values()] == [[0], [-1]]
    assert len(loaded.bad) == 2 and "b.wav: only 0.005 s long" in loaded.bad[0] and "c.wav" in loaded.bad[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_what_no_recording_can_be_read_without_ends_it_in_plain_words(
    clips: Clips, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(self: Folder, entry: Entry) -> np.ndarray:
        raise MissingExtra(f"{entry.path.name}: reading this format", "media")

    monkeypatch.setattr(Folder, "load", lacking)
    with pytest.raises(
        MissingExtra, match=r"^a\.wav: reading this format needs a part .*: pip install '\.\[media\]' in .*checkout$"
    ):
        list(loader(clips, [[Crop(0, 100)]], {}, workers))


def test_a_batch_of_nothing_usable(clips: Clips) -> None:
    (loaded,) = loader(clips, [[Crop(2, 100)]], {}, workers=0)
    assert loaded.batch is None and len(loaded.bad) == 1


def test_short_clips_are_padded_with_zeros(clips: Clips) -> None:
    entries = (*clips.source.entries[:1], Entry("part", clips.source.entries[0].path, {}, start=0.25, seconds=0.125))
    parts = Clips(Source(clips.source.dataset, entries), 0)
    (loaded,) = loader(parts, [[Crop(0, 16_000), Crop(1, 16_000)]], {}, workers=0)
    assert loaded.batch.waveform.shape == (2, 8_000)
    assert loaded.batch.lengths.tolist() == [8_000, 2_000]
    np.testing.assert_array_equal(loaded.batch.waveform[1, :2_000], RAMP[4_000:6_000])
    assert not loaded.batch.waveform[1, 2_000:].any()


def test_a_clip_whose_turns_nobody_knows_is_marked_among_others() -> None:
    entry = Entry("a", Path("a.wav"), {})
    told = Clip(RAMP[:1_600], entry, np.ones((10, 2), np.float32))
    untold = Clip(RAMP[:3_200], entry)
    activity = collate([told, untold], {}).batch.activity
    assert activity.shape == (2, 20, 2)
    assert activity[0, :10].eq(1).all() and activity[0, 10:].eq(0).all() and activity[1].eq(-1).all()
    assert collate([untold], {}).batch.activity is None


def test_workers_give_the_same_batches(clips: Clips) -> None:
    batches = [[Crop(0, 1_000, (number,))] for number in range(4)]
    alone, together = (list(loader(clips, batches, {}, workers)) for workers in (0, 2))
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one.batch.waveform, other.batch.waveform, rtol=0, atol=0)


def test_a_seed_gives_the_same_epoch_on_any_number_of_workers(small_recipe: Path) -> None:
    recipe = read_recipe(small_recipe)
    corpus = read_corpus(recipe)
    epochs = [
        list(loader(Clips(corpus.train, 1 << 20), TrainingSampler(corpus.train.speakers, recipe.trainer), corpus.labels, workers))
        for workers in (0, 1, 4)
    ]
    assert [len(epoch) for epoch in epochs] == [3, 3, 3]
    for alone, *others in zip(*epochs, strict=True):
        for other in others:
            assert other.batch.keys == alone.batch.keys
            assert torch.equal(other.batch.waveform, alone.batch.waveform)
            assert torch.equal(other.batch.labels["speaker"], alone.batch.labels["speaker"])


def test_a_recording_is_read_once_however_often_it_is_heard(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    load, reads = Folder.load, []
    monkeypatch.setattr(Folder, "load", lambda self, entry: reads.append(entry.key) or load(self, entry))
    for seed in range(3):
        assert not isinstance(clips[Crop(0, 1_000, (seed,))], str)
    assert reads == ["ann/a"]


def test_classes_come_from_the_training_data(small_recipe: Path) -> None:
    corpus = read_corpus(read_recipe(small_recipe))
    assert corpus.labels == {"speaker": ("voice0", "voice1", "voice2", "voice3")}
    assert set(corpus.parts) == {"train", "dev"}


def test_testing_on_training_data_is_refused(small_recipe: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.test: \d+ of its utterances are in data\.train too"):
        read_corpus(read_recipe(small_recipe, ["data.test.split=all"]))


def test_strangers_say_nothing_of_classes(small_recipe: Path) -> None:
    held_back = [
        f"data.{part}.{key}"
        for part in ("train", "dev", "test")
        for key in ('partition="speaker"', "dev_share=0.25", "test_share=0.25")
    ]
    with pytest.raises(
        RecipeError, match=r"none of its utterances has a speaker of data\.train, so validation would say nothing"
    ):
        read_corpus(read_recipe(small_recipe, held_back))
