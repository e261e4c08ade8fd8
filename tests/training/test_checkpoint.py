"""What a run writes: whole or not at all, and nothing in it ever runs."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from fastdiar.core.errors import TrainingError
from fastdiar.recipe import read_recipe
from fastdiar.training import checkpoint
from fastdiar.training.checkpoint import Progress, load_state, save_state
from fastdiar.training.loop import train


class Payload:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def learnt(steps: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A layer that took so many steps."""
    torch.manual_seed(0)
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(layer.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    return layer, optimizer


def test_the_state_comes_back_with_optimiser_and_progress(tmp_path: Path) -> None:
    layer, optimizer = learnt(3)
    progress = Progress(epoch=2, step=1, best=0.5, best_epoch=1, sums={"loss": [1.5, 4.0]}, skipped=1, unreadable=2, halvings=1)
    save_state(tmp_path / "last.safetensors", {"module": layer}, optimizer, progress)
    other, others = learnt(0)
    assert load_state(tmp_path / "last.safetensors", {"module": other}, others) == progress
    assert all(torch.equal(one, same) for one, same in zip(layer.parameters(), other.parameters(), strict=True))
    one, same = (each.state_dict()["state"][0] for each in (optimizer, others))
    assert one.keys() == same.keys() and all(torch.equal(one[name], same[name]) for name in one)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_cannot_be_written_leaves_the_state_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    path = tmp_path / "last.safetensors"
    save_state(path, {"module": learnt(1)[0]}, learnt(1)[1], Progress(step=1))
    before = path.read_bytes()

    def full(tensors: Any, beside: Path, metadata: Any) -> None:
        beside.write_bytes(b"half of")
        raise OSError(number, "cannot", str(beside))

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(TrainingError, match=r"last\.safetensors: cannot be written: .*then go on with --resume: nothing is lost"):
        save_state(path, {"module": learnt(2)[0]}, learnt(2)[1], Progress(step=2))
    assert [each.name for each in tmp_path.iterdir()] == ["last.safetensors"]
    assert path.read_bytes() == before


def test_a_run_on_a_full_disk_goes_on_once_there_is_room(
    small_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, calls = checkpoint.save_file, []

    def filling(*args: Any, **kwargs: Any) -> None:
        calls.append(1)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(*args, **kwargs)

    recipe = read_recipe(small_recipe)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save_file", filling)
        with pytest.raises(TrainingError, match="No space left on device"):
            train(recipe, tmp_path / "full", device="cpu")
    train(recipe, tmp_path / "full", resume=True, device="cpu")
    train(recipe, tmp_path / "roomy", device="cpu")
    for name in ("last", "best"):
        one, other = (load_file(tmp_path / run / f"{name}.safetensors") for run in ("full", "roomy"))
        assert all(torch.equal(one[key], other[key]) for key in other)


def test_a_pickle_in_place_of_tensors_is_refused_and_never_run(small_recipe: Path, tmp_path: Path) -> None:
    recipe = read_recipe(small_recipe, ["trainer.epochs=1"])
    train(recipe, tmp_path / "run", device="cpu")
    (tmp_path / "run" / "last.safetensors").write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    with pytest.raises(TrainingError, match=r"last\.safetensors: cannot be read"):
        train(recipe, tmp_path / "run", resume=True, device="cpu")
    assert not (tmp_path / "ran").exists()


def test_what_a_killed_process_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    left = [".last.safetensors.ab12", ".epoch-001.safetensors.x", ".recipe.toml.y", ".labels.json.z", ".log.jsonl.w", ".tmpRGijB"]
    kept = ["last.safetensors", "recipe.toml", "notes.txt", ".gitignore", ".recipe.toml~"]
    for name in left + kept:
        (tmp_path / name).touch()
    checkpoint.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
