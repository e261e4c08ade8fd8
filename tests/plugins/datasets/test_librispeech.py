"""LibriSpeech's layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdiar.core.errors import DataError
from fastdiar.plugins.datasets.librispeech import LibriSpeech, LibriSpeechConfig

SPEAKERS = ";ID  |SEX| SUBSET           |MINUTES| NAME\n14   | F | train-clean-360  | 25.03 | Kristin LeMoine\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("dev-clean/14/208/14-208-0001.flac", "dev-clean/14/208/14-208-0000.flac", "test-other/7/9/7-9-0000.flac"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "dev-clean/14/208/14-208.trans.txt").write_text("14-208-0000 HELLO\n")
    (tmp_path / "SPEAKERS.TXT").write_text(SPEAKERS)
    return tmp_path


def test_labels_come_from_the_folders_and_the_speakers_table(root: Path) -> None:
    entries = LibriSpeech(LibriSpeechConfig(root=root)).entries()
    assert [entry.path.name for entry in entries] == ["14-208-0000.flac", "14-208-0001.flac", "7-9-0000.flac"]
    assert entries[0].labels == {"corpus": "LibriSpeech", "speaker": "ls14", "session": "ch208", "gender": "f"}
    assert "gender" not in entries[2].labels


def test_only_the_subsets_asked_for(root: Path) -> None:
    entries = LibriSpeech(LibriSpeechConfig(root=root, subsets=("test-other",))).entries()
    assert [entry.key for entry in entries] == ["test-other/7/9/7-9-0000"]


def test_a_subset_that_is_not_there_gives_the_nearest_name(root: Path) -> None:
    with pytest.raises(DataError, match=r"has no subset 'dev-cleen' \(did you mean 'dev-clean'\?\)"):
        LibriSpeech(LibriSpeechConfig(root=root, subsets=("dev-cleen",))).entries()


def test_another_layout(root: Path) -> None:
    with pytest.raises(DataError, match=r"SUBSET/SPEAKER/CHAPTER/\*\.flac"):
        LibriSpeech(LibriSpeechConfig(root=root / "dev-clean")).entries()
    with pytest.raises(DataError, match="no such folder"):
        LibriSpeech(LibriSpeechConfig(root=root / "nowhere")).entries()


def test_the_real_layout(shared: Path) -> None:
    dataset = LibriSpeech(LibriSpeechConfig(root=shared / "data" / "LibriSpeech"))
    entries = dataset.entries()
    assert len(entries) == 45 and len({entry.labels["speaker"] for entry in entries}) == 9
    assert len(dataset.load(entries[0])) == pytest.approx(5.06 * 16_000, abs=160)


def test_a_network_learns_from_it(tmp_path: Path, say: Callable[..., None], epoch: Callable[..., dict[str, Any]]) -> None:
    for person in range(3):
        for chapter in range(4):
            say(tmp_path / "libri" / f"dev-clean/{person}/{chapter}/{person}-{chapter}-0000.flac", person, 0.8, chapter)
    table = f'use = "librispeech"\nroot = "{(tmp_path / "libri").as_posix()}"\n'
    log = epoch(f'[data.train]\n{table}split = "train"\n[data.dev]\n{table}split = "dev"\n')
    assert np.isfinite([log["loss"], log["dev.loss"]]).all() and log["unreadable"] == 0
