"""What is written is what training hears, and its name says what was done to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")

from fastdiar.core.errors import DataError
from fastdiar.inspection.examples import Example, examples, write_examples
from fastdiar.recipe import Recipe, read_recipe

AUGMENT = """
extends = "{base}"
drop = ["augment"]

[augment.quiet]
use = "gain"
gain = [-6, -6]
probability = 1.0

[augment.change]
use = "one_of"
[augment.change.choices.noise]
use = "add_noise"
[augment.change.choices.mute]
use = "time_mask"
"""


@pytest.fixture
def recipe(small_recipe: Path, tmp_path: Path) -> Recipe:
    """The small recipe with other augmentations."""
    path = tmp_path / "heard.toml"
    path.write_text(AUGMENT.format(base=small_recipe.as_posix()), encoding="utf-8")
    return read_recipe(path)


def test_each_clip_says_what_was_drawn_for_it_and_nothing_else(recipe: Recipe) -> None:
    found = [each for each in examples(recipe, "train", 12) if isinstance(each, Example)]
    assert len(found) == 12
    kinds = set()
    for each in found:
        assert each.drawn[0] == "quiet.gain=-6"
        halved = each.before * 10 ** (-6 / 20)
        (kind,) = {value.partition("=")[0].rpartition(".")[0] for value in each.drawn[1:]}
        kinds.add(kind)
        if kind == "change.noise":
            snr = float(each.drawn[1].removeprefix("change.noise.snr="))
            ratio = 10 * np.log10(np.square(halved).sum() / np.square(each.after - halved).sum())
            assert ratio == pytest.approx(snr, abs=0.1)
        else:
            start, length = (int(value.rpartition("=")[2]) for value in each.drawn[1:])
            assert not each.after[start : start + length].any()
            np.testing.assert_allclose(each.after[start + length :], halved[start + length :], atol=1e-6)
    assert kinds == {"change.noise", "change.mute"}


def test_files_hold_the_sound_and_a_picture_of_it(recipe: Recipe, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    written = write_examples(recipe, "train", 2, tmp_path / "out")
    assert len(written.names) == 2 and not written.unreadable
    for name, each in zip(written.names, examples(recipe, "train", 2), strict=True):
        assert isinstance(each, Example)
        samples, rate = soundfile.read(tmp_path / "out" / f"{name}.flac", dtype="float32")
        assert rate == 16_000
        np.testing.assert_allclose(samples, each.after.clip(-1, 1), atol=1e-4)
        assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_names_leave_no_folder(tmp_path: Path) -> None:
    name = Example("../a b/ü:c.wav", np.zeros(9), np.zeros(9), ("noise.snr=17", "x" * 300)).name
    assert name.startswith("..-a-b-ü-c.wav_noise.snr=17_xxx")
    assert len(name) == 150
    assert Example("a", np.zeros(9), np.zeros(9), ()).name == "a_unchanged"


def test_unreadable_clips_are_named_and_all_of_them_an_error(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "voices" / "ann").mkdir(parents=True)
    (tmp_path / "voices" / "ann" / "1.wav").write_text("dear diary")
    (tmp_path / "data.toml").write_text('[data.train]\nuse = "folder"\nroot = "voices"')
    recipe = read_recipe(tmp_path / "data.toml")
    with pytest.raises(DataError, match=r"data.train: none of 1 clips can be read: .*1.wav: not a recording"):
        write_examples(recipe, "train", 5, tmp_path / "out")
    soundfile.write(tmp_path / "voices" / "ann" / "2.wav", 0.1 * np.random.default_rng(0).standard_normal(16_000), 16_000)
    written = write_examples(recipe, "train", 5, tmp_path / "out")
    assert len(written.names) == len(written.unreadable) == 1
    assert written.names[0].endswith("ann-2_unchanged")
