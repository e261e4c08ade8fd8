"""One folder a speaker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.core.errors import AudioError, DataError, RecipeError
from fastdiar.plugins.datasets.folder import Folder, FolderConfig

Say = Callable[..., None]
Epoch = Callable[..., dict[str, Any]]


def test_speakers_and_sessions_come_from_the_folders(voices: Path) -> None:
    entries = Folder(FolderConfig(root=voices)).entries()
    assert len(entries) == 32
    assert entries[0].key == "voice0/monday/0"
    assert entries[0].labels == {"speaker": "voice0", "session": "monday"}
    assert entries == sorted(entries, key=lambda entry: entry.key)


def test_loads_at_16_khz(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    soundfile.write(tmp_path / "ann" / "a.wav", np.zeros((8_000, 2)), 8_000)
    dataset = Folder(FolderConfig(root=tmp_path))
    samples = dataset.load(dataset.entries()[0])
    assert samples.dtype == np.float32 and samples.shape == (16_000,)


def test_other_files_and_files_beside_the_speakers_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    soundfile.write(tmp_path / "ann" / "a.FLAC", np.zeros(100), 16_000, format="FLAC")
    soundfile.write(tmp_path / "stray.wav", np.zeros(100), 16_000)
    (tmp_path / "ann" / "notes.txt").write_text("hello")
    assert [entry.key for entry in Folder(FolderConfig(root=tmp_path)).entries()] == ["ann/a"]


def test_of_two_files_of_one_name_the_first_is_taken_as_preparing_takes_it(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    for name in ("a.wav", "a.flac", "a.b.wav"):
        (tmp_path / "ann" / name).touch()
    entries = Folder(FolderConfig(root=tmp_path)).entries()
    assert [(entry.key, entry.path.name) for entry in entries] == [("ann/a", "a.flac"), ("ann/a.b", "a.b.wav")]


def test_listing_opens_no_audio_and_loading_a_broken_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "a.wav").write_text("not sound")
    dataset = Folder(FolderConfig(root=tmp_path))
    (entry,) = dataset.entries()
    with pytest.raises(AudioError, match=r"a\.wav"):
        dataset.load(entry)


def test_a_root_that_is_not_there_or_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        Folder(FolderConfig(root=tmp_path / "nowhere")).entries()
    with pytest.raises(DataError, match="SPEAKER/utterance"):
        Folder(FolderConfig(root=tmp_path)).entries()


def test_classes_cannot_be_validated_by_people_who_were_never_trained_on(voices: Path, epoch: Epoch) -> None:
    table = f'use = "folder"\nroot = "{voices.as_posix()}"\npartition = "speaker"\ndev_share = 0.3\n'
    with pytest.raises(RecipeError, match=r"data\.dev: none of its utterances has a speaker of data\.train"):
        epoch(f'[data.train]\n{table}split = "train"\n[data.dev]\n{table}split = "dev"\n')


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('split = "dev"\n', r'data\.train: split = "dev" is empty: no speaker has 3 utterances or more'),
        ('split = "test"\npartition = "speaker"\n', 'with partition = "speaker" each split needs a speaker of its own'),
    ],
)
def test_a_split_with_nobody_in_it_is_named(
    tmp_path: Path, say: Callable[..., None], epoch: Any, keys: str, message: str
) -> None:
    say(tmp_path / "voices" / "ann" / "only.wav", 0)
    with pytest.raises(RecipeError, match=message):
        epoch(f'[data.train]\nuse = "folder"\nroot = "{(tmp_path / "voices").as_posix()}"\n{keys}')


def test_people_with_one_utterance_each_are_trained_on(
    tmp_path: Path, say: Callable[..., None], epoch: Callable[..., Any]
) -> None:
    for person in range(3):
        say(tmp_path / "voices" / f"voice{person}" / "only.wav", person)
    log = epoch(f'[data.train]\nuse = "folder"\nroot = "{(tmp_path / "voices").as_posix()}"\nsplit = "train"\n')
    assert np.isfinite(log["loss"]) and log["unreadable"] == 0
