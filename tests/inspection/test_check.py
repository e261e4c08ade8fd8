"""A sample of the data is heard as training would hear it, and what is wrong is counted."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")

from fastdiar.core.errors import RecipeError
from fastdiar.core.types import RATE
from fastdiar.inspection.check import Quality, check, crops, source_of
from fastdiar.inspection.quality import LIMITS
from fastdiar.recipe import Recipe, read_recipe

RECIPE = """
[data.train]
use = "folder"
root = "voices"
[encoder]
use = "cnn"
[pooling]
use = "average"
[head.speaker]
use = "speaker"
[head.mood]
use = "speaker"
task = "emotion"
[trainer]
seconds = [0.5, 1.0]
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Ten good recordings of two voices."""
    random = np.random.default_rng(0)
    for number in range(10):
        path = tmp_path / "voices" / f"voice{number % 2}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        swell = 0.2 * np.maximum(np.sin(np.arange(2 * RATE) / 1500), 0.02)
        soundfile.write(path, swell * random.standard_normal(2 * RATE), RATE)
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return read_recipe(tmp_path / "recipe.toml")


def test_good_recordings_pass_but_for_labels(recipe: Recipe) -> None:
    told: list[tuple[str, int, int]] = []
    found = check(recipe, "train", 100, lambda *each: told.append(each))
    assert len(found.keys) == len(set(found.keys)) == 10
    assert found.failed == ["labels"]
    assert found.lacking == {"emotion": 10}
    assert all(len(values) == 10 for values in found.values.values()) and found.values.keys() == LIMITS.keys()
    assert told[-1] == ("clips", 10, 10)


def test_bad_files_are_counted_and_named(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "voices" / "voice0" / "0.wav").write_bytes(b"")
    (tmp_path / "voices" / "voice0" / "2.wav").write_text("dear diary")
    found = check(recipe, "train", 100)
    assert len(found.keys) == 8 and len(found.unreadable) == 2
    assert any("0.wav: is empty: 0 bytes" in reason for reason in found.unreadable)
    assert "unreadable" in found.failed


def test_a_low_rate_is_found_though_it_was_resampled(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "voices" / "voice1" / "1.wav"
    samples, _ = soundfile.read(path)
    soundfile.write(path, samples, 8_000)
    found = check(recipe, "train", 10)
    assert found.beyond("rate") == found.beyond("band") == ["voice1/1"]
    assert {"rate", "band"} <= set(found.failed)


def test_crops_are_as_long_as_training_takes_them_and_follow_the_seed(recipe: Recipe) -> None:
    source = source_of(recipe, "train")
    lengths = [len(clip.samples) for clip in crops(recipe, source, 10)]
    assert 0.5 * RATE <= min(lengths) < max(lengths) <= RATE
    again = [clip.samples[:10].tolist() for clip in crops(recipe, source, 3)]
    assert again == [clip.samples[:10].tolist() for clip in crops(recipe, source, 3)]


def test_without_heads_nothing_lacks_a_label(recipe: Recipe) -> None:
    bare = attrs.evolve(recipe, head={})
    assert check(bare, "train", 3).failed == []


def test_the_worst_comes_first_and_some_may_be_beyond() -> None:
    values = {name: np.full(40, np.nan) for name in LIMITS}
    values["level"] = np.full(40, -20.0)
    values["level"][[3, 7]] = -50, -70
    found = Quality(tuple(map(str, range(40))), values, (), {})
    assert found.beyond("level") == ["7", "3"]
    assert found.failed == []
    values["level"][9] = 0
    assert found.beyond("level") == ["7", "9", "3"]
    assert found.failed == ["level"]


def test_a_split_that_is_not_there_is_named(recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match=r"recipe.toml: data.dev: is missing: the recipe has \[data.train\]"):
        check(recipe, "dev", 3)
