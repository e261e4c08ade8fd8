"""Recipes: what they extend, drop and set; what they resolve to."""

from __future__ import annotations

import tomllib
from pathlib import Path

import attrs
import pytest

from fastdiar import registry
from fastdiar.core.errors import MissingExtra, RecipeError
from fastdiar.core.recipe_files import DEEPEST, LARGEST_FILE
from fastdiar.recipe import absent_data, read_recipe, recipe_from_table

pytest.importorskip("torch", reason="recipes name components that need torch")

ROOT = Path(__file__).resolve().parents[1]

BASE = """
[data.train]
use = "folder"
root = "speech"

[encoder]
use = "rescnn"
kernel = 5

[temporal.attend]
use = "mhsa"

[temporal.smooth]
use = "bigru"

[pooling]
use = "average"

[head.speaker]
use = "speaker"

[loss.speaker]
use = "cross_entropy"
head = "speaker"

[trainer]
epochs = 10
learning_rate = 1
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with `base.toml`, and beside it a folder for recipes that extend it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.toml").write_text(BASE, encoding="utf-8")
    (tmp_path / "mine").mkdir()
    return tmp_path


def write(text: str, name: str = "mine/new.toml", base: str = 'extends = "../base.toml"') -> Path:
    path = Path(name)
    path.write_text(f"{base}\n{text}", encoding="utf-8")
    return path


def test_a_recipe_names_components_and_fills_in_their_defaults() -> None:
    recipe = read_recipe("base.toml")
    assert recipe.encoder.use == "rescnn"
    assert type(recipe.encoder.config) is registry.lookup("encoder", "rescnn").config_class
    assert recipe.encoder.config.kernel == 5
    assert list(recipe.temporal) == ["attend", "smooth"]
    assert (recipe.trainer.epochs, recipe.trainer.learning_rate) == (10, 1.0)
    assert recipe.trainer.batch_size == 32
    assert (recipe.export, recipe.cluster, recipe.augment) == (None, None, {})


def test_extending_merges_table_by_table() -> None:
    recipe = read_recipe(write("[trainer]\nepochs = 3\n[temporal.attend]\nheads = 8\n[encoder]\nstem_kernel = 5"))
    assert (recipe.trainer.epochs, recipe.trainer.learning_rate) == (3, 1.0)
    assert (recipe.encoder.config.kernel, recipe.encoder.config.stem_kernel) == (5, 5)
    assert recipe.temporal["attend"].config.heads == 8
    assert list(recipe.temporal) == ["attend", "smooth"]


def test_another_use_leaves_the_keys_of_the_extended_table_behind() -> None:
    recipe = read_recipe(write('[encoder]\nuse = "melrescnn"\n[temporal.attend]\nuse = "bigru"'))
    assert recipe.encoder.config == type(recipe.encoder.config)()
    assert list(recipe.temporal) == ["attend", "smooth"]
    assert recipe.encoder.use == "melrescnn"


def test_the_same_use_keeps_them() -> None:
    assert read_recipe(write('[encoder]\nuse = "rescnn"')).encoder.config.kernel == 5


def test_drop_removes_keys_of_what_is_extended() -> None:
    recipe = read_recipe(write('drop = ["temporal.attend", "trainer.epochs"]\n[temporal."attend"]\nuse = "mhsa"'))
    assert list(recipe.temporal) == ["smooth", "attend"]
    assert recipe.trainer.epochs == 30


def test_drop_reaches_through_a_chain() -> None:
    write('drop = ["temporal.smooth"]', "middle.toml", 'extends = "base.toml"')
    recipe = read_recipe(write('drop = ["temporal.attend"]', base='extends = "../middle.toml"'))
    assert recipe.temporal == {}


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("trainer.epochs=3", "epochs", 3),
        ("trainer.precision=bf16-mixed", "precision", "bf16-mixed"),
        ('trainer.precision="bf16-mixed"', "precision", "bf16-mixed"),
        ("trainer.seconds=[1, 2.5]", "seconds", (1.0, 2.5)),
        ('"trainer"."epochs" = 7', "epochs", 7),
    ],
)
def test_set_takes_toml_values_and_bare_text(override: str, key: str, value: object) -> None:
    assert getattr(read_recipe("base.toml", [override]).trainer, key) == value


def test_set_wins_and_the_last_of_two_wins() -> None:
    assert read_recipe(write("[trainer]\nepochs = 3"), ["trainer.epochs=4", "trainer.epochs=5"]).trainer.epochs == 5


def test_set_another_use_starts_afresh_whatever_the_order() -> None:
    first = read_recipe("base.toml", ["encoder.use=melrescnn", "encoder.channels=[8, 8, 8, 8]"])
    second = read_recipe("base.toml", ["encoder.channels=[8, 8, 8, 8]", "encoder.use=melrescnn"])
    assert first == second
    assert first.encoder.config.channels == (8, 8, 8, 8)


def test_set_cannot_smuggle_a_second_key_in() -> None:
    with pytest.raises(RecipeError, match=r'trainer.epochs: expected a whole number, found "3\\nseed=1"'):
        read_recipe("base.toml", ["trainer.epochs=3\nseed=1"])


def test_paths_are_relative_to_the_file_that_wrote_them(here: Path) -> None:
    path = write('[data.dev]\nuse = "folder"\nroot = "held"')
    recipe = read_recipe(path, ["data.test.use=folder", "data.test.root=asked"])
    assert recipe.data["train"].config.root == here / "speech"
    assert recipe.data["dev"].config.root == here / "mine" / "held"
    assert recipe.data["test"].config.root == here / "asked"


@pytest.mark.parametrize("origins", [True, False])
def test_what_is_shown_is_the_same_recipe(origins: bool) -> None:
    path = write('[augment.noise]\nuse = "add_noise"\n[diarization]\nspeech = 0.25\n[temporal."odd name"]\nuse = "mhsa"')
    recipe = read_recipe(path, ["trainer.seed=9"])
    text = recipe.to_toml(origins)
    Path("shown.toml").write_text(text, encoding="utf-8")
    assert read_recipe("shown.toml").table == recipe.table
    assert recipe.table == tomllib.loads(text)
    assert recipe_from_table(tomllib.loads(text), "a run").table == recipe.table


def test_each_shown_value_tells_where_it_came_from() -> None:
    lines = read_recipe(write("[trainer]\nepochs = 3"), ["trainer.seed=9"]).to_toml(origins=True).splitlines()
    assert "epochs = 3  # new.toml:3" in lines
    assert "seed = 9  # --set" in lines
    assert "learning_rate = 1.0  # base.toml:28" in lines
    assert "batch_size = 32  # default" in lines
    assert 'use = "rescnn"  # base.toml:7' in lines


def test_a_stored_recipe_that_is_wrong_names_where_it_was_stored() -> None:
    table = read_recipe("base.toml").table
    table["trainer"]["epochs"] = 0
    with pytest.raises(RecipeError, match=r"^run/recipe.toml: trainer.epochs: must be >= 1: 0$"):
        recipe_from_table(table, "run/recipe.toml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", "^bad.toml: not UTF-8 text"),
        (b"#" * (LARGEST_FILE + 1), "^bad.toml: larger than 1 MiB: not a recipe$"),
        (b"a = " + b"[" * 100_000, "^bad.toml:1: not valid TOML: "),
        (b"a = " + b"1" * 10_000, "^bad.toml:1: not valid TOML: "),
        (b"a = 1\r\nb = \r\n", "^bad.toml:2: not valid TOML: "),
        (b"", "^bad.toml: encoder: missing"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(data: bytes, message: str) -> None:
    Path("bad.toml").write_bytes(data)
    with pytest.raises(RecipeError, match=message):
        read_recipe("bad.toml")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bas.toml", r"^bas.toml: no such file \(did you mean 'base.toml'\?\)$"),
        ("mine", "^mine: is a folder: expected a recipe$"),
        ("a\0b", "no such file"),
        ("a" * 300, "^a+: cannot be read: File name too long$"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_recipe(name)


def test_a_chain_may_not_grow_without_end() -> None:
    for number in range(DEEPEST + 2):
        write("", f"{number}.toml", f'extends = "{number + 1}.toml"')
    with pytest.raises(RecipeError, match=f"more than {DEEPEST} recipes extend one another"):
        read_recipe("0.toml")


def test_lines_hold_with_windows_line_ends() -> None:
    Path("crlf.toml").write_bytes(b'extends = "base.toml"\r\n\r\n[trainer]\r\nepochs = 0\r\n')
    with pytest.raises(RecipeError, match=r"^crlf.toml:4: trainer.epochs"):
        read_recipe("crlf.toml")


def test_a_plugin_that_is_broken_is_named_with_its_reason(acme: object) -> None:
    acme("crashing")  # type: ignore[operator]
    path = write('[data.dev]\nuse = "crashing/tones"')
    with pytest.raises(RecipeError, match=r"data.dev.use: crashing is broken: RuntimeError: the licence server does not answer"):
        read_recipe(path)


def test_a_third_partys_component_is_used_by_its_plugins_name(acme: object, here: Path) -> None:
    acme("good")  # type: ignore[operator]
    recipe = read_recipe(
        write(
            '[data.dev]\nuse = "acme/tones"\nroot = "x"\nextra = "y"\npitches = [100]\n[diarization.cluster]\nuse = "acme/alone"'
        )
    )
    assert recipe.data["dev"].config.root == here / "mine" / "x"
    assert recipe.data["dev"].config.extra == here / "mine" / "y"
    assert recipe.data["dev"].config.pitches == (100.0,)
    assert recipe.cluster is not None
    assert recipe.table["diarization"]["cluster"] == {"use": "acme/alone"}


@pytest.mark.parametrize("name", ["baseline", "enhanced", "fast", "voxceleb2_enhanced"])
def test_a_clip_is_noisy_or_silenced_or_shifted_or_as_often_as_it_was(name: str) -> None:
    pytest.importorskip("torch")
    change = read_recipe(Path(__file__).parents[1] / "recipes" / f"{name}.toml").augment["change"]
    noise, silence, pitch = change.config.choices.values()
    assert (change.use, noise.use, silence.use, pitch.use) == ("one_of", "add_noise", "time_mask", "pitch_shift")
    assert (noise.config.snr, noise.config.folder) == ((10.0, 30.0), None)
    assert silence.config.share == (0.05, 0.15)
    assert pitch.config.semitones == (-2.0, 2.0)
    assert [choice.config.probability for choice in (noise, silence, pitch)] == [0.25] * 3


NESTED = """
[augment.change]
use = "one_of"
[augment.change.choices.noise]
use = "add_noise"
folder = "noises"
probability = 0.25
[augment.change.choices.quiet]
use = "gain"
gain = [-9, 0]
"""


def test_data_that_is_not_here_is_named_with_its_line(here: Path) -> None:
    path = write('[data.dev]\nuse = "folder"\nroot = "."\n[augment.noise]\nuse = "add_noise"\nfolder = "noise"\n')
    assert [str(problem) for problem in absent_data(read_recipe(path))] == [
        f"base.toml:4: data.train.root: {here / 'speech'}: is not here",
        f"mine/new.toml:7: augment.noise.folder: {here / 'mine' / 'noise'}: is not here",
    ]
    (here / "speech").mkdir()
    (here / "mine" / "noise").mkdir()
    assert absent_data(read_recipe(path)) == []


def test_components_inside_a_component_are_parts_like_any(here: Path) -> None:
    pytest.importorskip("torch")
    recipe = read_recipe(write(NESTED), ["augment.change.choices.quiet.probability=0.5"])
    choices = recipe.augment["change"].config.choices
    assert list(choices) == ["noise", "quiet"]
    assert choices["noise"].config.folder == here / "mine" / "noises"
    assert (choices["quiet"].config.gain, choices["quiet"].config.probability) == ((-9.0, 0.0), 0.5)
    lines = recipe.to_toml(origins=True).splitlines()
    assert "probability = 0.25  # new.toml:8" in lines and "probability = 0.5  # --set" in lines
    assert recipe_from_table(tomllib.loads(recipe.to_toml()), "a run") == attrs.evolve(recipe, path=None, origins={})


def test_what_all_its_components_lack_is_said_once_beside_all_else(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(kind: str, name: str) -> type:
        raise MissingExtra(f"{kind} '{name}'", "train")

    monkeypatch.setattr(registry, "lookup", lookup)
    with pytest.raises(RecipeError) as caught:
        read_recipe(write("[trainer]\nepochs = -1\n"))
    wrong, lacking = caught.value.problems
    assert str(lacking).startswith("base.toml:3: data.train.use: dataset 'folder' needs a part that is not installed: ")
    assert (wrong.key, wrong.line) == ("trainer.epochs", 3)


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_that_comes_along_is_good(path: Path) -> None:
    assert read_recipe(path).table
