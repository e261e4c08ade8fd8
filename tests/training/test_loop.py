"""A run from beginning to end, and gone on with."""

from __future__ import annotations

import json
import os
import pickletools
import shutil
import signal
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fastdiar.core.errors import RecipeError, TrainingError
from fastdiar.plugins.augmentations.add_noise import AddNoise
from fastdiar.recipe import Recipe, read_recipe
from fastdiar.training.checkpoint import load_run
from fastdiar.training.loop import train


@pytest.fixture(scope="module")
def recipe(small_recipe: Path) -> Recipe:
    return read_recipe(small_recipe)


@pytest.fixture(scope="module")
def whole(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the recipe from beginning to end: two epochs of three steps. Not to be written to."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    assert train(recipe, run, device="cpu").epoch == 2
    return run


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """The same run, to be written to."""
    return shutil.copytree(whole, tmp_path / "copy")


def tensors(run: Path, name: str = "last.safetensors") -> dict[str, Any]:
    return load_file(run / name)


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys() and one
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def untimed(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the log without what depends on the machine."""
    return {name: value for name, value in line.items() if not name.endswith("seconds")}


def stop_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C while so many steps are being taken."""
    augment, calls = AddNoise.__call__, []

    def interrupted(self: AddNoise, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == steps:
            os.kill(os.getpid(), signal.SIGINT)
        return augment(self, *args)

    monkeypatch.setattr(AddNoise, "__call__", interrupted)


def test_a_run_leaves_what_it_promises_and_no_pickle(whole: Path) -> None:
    names = {path.name for path in whole.iterdir()}
    weights = {"first.safetensors", "best.safetensors", "epoch-001.safetensors", "epoch-002.safetensors", "last.safetensors"}
    assert names == {"recipe.toml", "labels.json", "log.jsonl"} | weights
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert [line["learning_rate"] for line in lines] == pytest.approx([0.0075, 0.00067], rel=1e-2)
    assert all(np.isfinite(line["loss"]) and 0 <= line["dev.speaker.accuracy"] <= 1 for line in lines)
    for path in whole.iterdir():
        assert not zipfile.is_zipfile(path)
        with pytest.raises(ValueError, match="opcode"):
            list(pickletools.genops(path.read_bytes()))


def test_it_learns_and_the_best_network_comes_back(trained: Path) -> None:
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"]
    best = max(lines, key=lambda line: line["dev.speaker.accuracy"])
    assert best["dev.speaker.accuracy"] >= 0.75
    network = load_run(trained)
    assert not network.training
    assert_same(tensors(trained, "best.safetensors"), tensors(trained, f"epoch-{best['epoch']:03}.safetensors"))


def test_a_network_goes_as_far_as_it_is_asked_to_of_the_way_that_it_learnt(trained: Path) -> None:
    first, best = tensors(trained, "first.safetensors"), tensors(trained, "best.safetensors")
    assert first.keys() == best.keys()
    assert_same(load_run(trained, learnt=0.0).state_dict() | counts(best), first | counts(best))
    assert_same(load_run(trained, learnt=1.0).state_dict(), best)
    moved = 0
    for name, tensor in load_run(trained, learnt=0.25).state_dict().items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, 0.75 * first[name] + 0.25 * best[name], atol=1e-6)
            moved += int(not torch.equal(first[name], best[name]))
    assert moved > 10


def counts(tensors: dict[str, Any]) -> dict[str, Any]:
    """How many batches a norm has seen, which nothing lies between."""
    return {name: tensor for name, tensor in tensors.items() if not tensor.is_floating_point()}


def test_the_same_seed_gives_the_same_run_and_another_one_another(
    recipe: Recipe, whole: Path, small_recipe: Path, tmp_path: Path
) -> None:
    train(recipe, tmp_path / "same", device="cpu")
    train(read_recipe(small_recipe, ["trainer.seed=1"]), tmp_path / "other", device="cpu")
    assert_same(tensors(whole), tensors(tmp_path / "same"))
    weight = "module.network.heads.speaker.classifier.weight"
    assert not torch.equal(tensors(whole)[weight], tensors(tmp_path / "other")[weight])


@pytest.mark.parametrize("step", [2, 3, 5])
def test_a_stopped_run_goes_on_to_the_same_numbers(
    recipe: Recipe, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    with monkeypatch.context() as patched:
        stop_after(step, patched)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, tmp_path, device="cpu")
    train(recipe, tmp_path, resume=True, device="cpu")
    assert_same(tensors(whole), tensors(tmp_path))
    logs = [(run / "log.jsonl").read_text().splitlines() for run in (whole, tmp_path)]
    uninterrupted, stopped = ([untimed(json.loads(line)) for line in log] for log in logs)
    assert uninterrupted == stopped


def test_a_finished_run_stays_as_it_is(recipe: Recipe, copy: Path) -> None:
    before = (copy / "last.safetensors").read_bytes()
    assert train(recipe, copy, resume=True, device="cpu").epoch == 2
    assert (copy / "last.safetensors").read_bytes() == before


def test_patience_stops_a_run_that_gets_no_better(small_recipe: Path, tmp_path: Path) -> None:
    recipe = read_recipe(small_recipe, ["trainer.epochs=9", "trainer.patience=2", "trainer.learning_rate=1e-12"])
    progress = train(recipe, tmp_path, device="cpu")
    assert progress.epoch == progress.best_epoch + 2 < 9


def test_a_folder_with_something_in_it_is_left_alone(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(TrainingError, match="is not empty: continue the run in it with --resume"):
        train(recipe, tmp_path, device="cpu")


def test_resuming_where_there_is_no_run(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds no run: no recipe\.toml"):
        train(recipe, tmp_path, resume=True, device="cpu")


def test_resuming_with_another_recipe_names_what_differs(whole: Path, small_recipe: Path) -> None:
    other = read_recipe(small_recipe, ["trainer.learning_rate=0.5", "loss.speaker.margin=0.1", "trainer.workers=1"])
    changes = r"loss\.speaker\.margin: was 0\.2, is 0\.1; trainer\.learning_rate: was 0\.01, is 0\.5: set them back"
    with pytest.raises(TrainingError, match=changes):
        train(other, whole, resume=True, device="cpu")


def test_weights_that_are_not_the_recipes(copy: Path) -> None:
    text = (copy / "recipe.toml").read_text().replace("stem_channels = 8", "stem_channels = 9")
    (copy / "recipe.toml").write_text(text)
    with pytest.raises(TrainingError, match=r"best\.safetensors: holds another network than its recipe describes"):
        load_run(copy)
    (copy / "best.safetensors").write_bytes(b"not tensors")
    with pytest.raises(TrainingError, match=r"best\.safetensors: cannot be read"):
        load_run(copy)


def test_training_without_a_loss(small_recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "lossless.toml").write_text(f'extends = "{small_recipe.as_posix()}"\ndrop = ["loss"]\n')
    with pytest.raises(RecipeError, match="loss: is missing"):
        train(read_recipe(tmp_path / "lossless.toml"), tmp_path / "run", device="cpu")
