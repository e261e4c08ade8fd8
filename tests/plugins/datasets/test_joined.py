"""Several datasets as one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import RecipeError
from fastdiar.core.types import Turn
from fastdiar.plugins.datasets.folder import Folder
from fastdiar.recipe import read_data, read_recipe

RECIPE = """
[data.train]
use = "joined"
[data.train.parts.some]
use = "folder"
root = "voices"
split = "train"
[data.train.parts.others]
use = "folder"
root = "more/voices"
"""


@pytest.fixture
def joined(voices: Path, tmp_path: Path) -> tuple[Dataset, list[Entry]]:
    (tmp_path / "more").mkdir()
    for name in ("voices", "more/voices"):
        (tmp_path / name).symlink_to(voices)
    (tmp_path / "joined.toml").write_text(RECIPE)
    return read_data(read_recipe(tmp_path / "joined.toml"), "train")


def test_one_after_the_other_each_with_its_own_keys(joined: tuple[Dataset, list[Entry]]) -> None:
    _, entries = joined
    names = [entry.key.partition("/")[0] for entry in entries]
    assert names == ["some"] * 12 + ["others"] * 32
    assert len({entry.key for entry in entries}) == 44


def test_sound_and_turns_are_asked_of_the_part(joined: tuple[Dataset, list[Entry]], monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, entries = joined
    asked = []
    monkeypatch.setattr(
        Folder, "load", lambda self, entry: asked.append((self.config.split, entry.key)) or np.ones(3, np.float32)
    )
    monkeypatch.setattr(Folder, "turns", lambda self, entry: (Turn(0.0, 1.0, entry.key),))
    assert dataset.load(entries[0]).tolist() == [1, 1, 1]
    dataset.load(entries[-1])
    assert asked == [("train", "voice0/tuesday/0"), ("all", "voice3/tuesday/3")]
    assert dataset.turns(entries[-1]) == (Turn(0.0, 1.0, "voice3/tuesday/3"),)


def test_a_missing_part_says_which_data(tmp_path: Path) -> None:
    (tmp_path / "joined.toml").write_text(RECIPE)
    with pytest.raises(RecipeError, match=r"joined\.toml: data\.train: .*voices: no such folder"):
        read_data(read_recipe(tmp_path / "joined.toml"), "train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[data.train]\nuse = "joined"\n[data.train.parts]\n', "data.train.parts: Length of 'parts' must be >= 1"),
        ('[data.train]\nuse = "joined"\n[data.train.parts."a/b"]\nuse = "folder"\nroot = "x"\n', "'a/b': names may hold no '/'"),
    ],
)
def test_parts_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "joined.toml").write_text(text)
    with pytest.raises(RecipeError, match=message):
        read_recipe(tmp_path / "joined.toml")


def test_a_network_learns_from_it(voices: Path, epoch: Callable[..., dict[str, Any]]) -> None:
    table = f'use = "folder"\nroot = "{voices.as_posix()}"\n'
    parts = [f'[data.train.parts.{split}]\n{table}split = "{split}"\n' for split in ("train", "dev")]
    log = epoch('[data.train]\nuse = "joined"\n' + "".join(parts))
    assert np.isfinite(log["loss"]) and log["unreadable"] == 0
