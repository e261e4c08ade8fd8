"""One step after the other: what is learnt from, what is passed over, and when a run gives up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from safetensors.torch import load_file
from torch.nn.modules.batchnorm import _BatchNorm

from fastdiar.core.dataset import Entry
from fastdiar.core.errors import AudioError, RecipeError, TrainingError
from fastdiar.plugins.augmentations.add_noise import AddNoise
from fastdiar.plugins.datasets.folder import Folder
from fastdiar.recipe import Recipe, read_recipe
from fastdiar.training.data import read_corpus
from fastdiar.training.loop import train
from fastdiar.training.run import SKIPS_IN_A_ROW, Run

LARGE = ["trainer.batch_size=8", "head.speaker.dropout=0.0"]


@pytest.fixture
def begin(small_recipe: Path, tmp_path: Path) -> Callable[..., Run]:
    """Begins a run of the small recipe with some of its keys changed."""

    def run(*overrides: str) -> Run:
        recipe = read_recipe(small_recipe, overrides)
        return Run(recipe, read_corpus(recipe), Fabric(accelerator="cpu", devices=1), tmp_path)

    return run


@pytest.fixture
def quiet_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch norms that use what they know, whatever the batch."""
    monkeypatch.setattr(_BatchNorm, "train", lambda self, mode=True: torch.nn.Module.train(self, False))


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], bool]], None]:
    """Makes the sound of some steps no numbers; they are counted from 0, repeated ones too."""

    def when(chosen: Callable[[int], bool]) -> None:
        augment, calls = AddNoise.__call__, []

        def poisoned(self: AddNoise, batch: Any, generator: Any) -> Any:
            calls.append(1)
            batch = augment(self, batch, generator)
            if chosen(len(calls) - 1):
                batch.waveform.fill_(float("nan"))
            return batch

        monkeypatch.setattr(AddNoise, "__call__", poisoned)

    return when


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def finite(path: Path) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in load_file(path).values())


def gradients(run: Run) -> dict[str, torch.Tensor]:
    """After the first step of a run."""
    run.learn(next(run.batches()))
    return {name: parameter.grad.clone() for name, parameter in run.objective.named_parameters()}


def test_the_gradient_scaler_of_half_precision_comes_back(recipe: Recipe, tmp_path: Path) -> None:
    def begin() -> Run:
        half = Fabric(accelerator="cpu", devices=1, plugins=[MixedPrecision("16-mixed", "cpu")])
        return Run(recipe, read_corpus(recipe), half, tmp_path)

    run = begin()
    scaler = run.fabric.strategy.precision
    scaler.load_state_dict({**scaler.state_dict(), "scale": 128.0})
    run.save()
    again = begin()
    again.restore()
    assert again.fabric.strategy.precision.state_dict()["scale"] == 128.0


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_a_step_in_parts_is_the_same_step(begin: Callable[..., Run], quiet_norms: None, parts: int) -> None:
    whole, sum_of_parts = gradients(begin(*LARGE)), gradients(begin(*LARGE, f"trainer.accumulate={parts}"))
    for name, gradient in whole.items():
        torch.testing.assert_close(sum_of_parts[name], gradient, rtol=1e-4, atol=1e-5)


def test_figures_of_a_step_in_parts_are_those_of_all_its_clips(begin: Callable[..., Run], quiet_norms: None) -> None:
    one, other = begin(*LARGE), begin(*LARGE, "trainer.accumulate=3")
    assert other.learn(next(other.batches())) == pytest.approx(one.learn(next(one.batches())), rel=1e-5)


def test_large_gradients_are_scaled_down_to_the_recipes_norm(begin: Callable[..., Run]) -> None:
    free, held = (gradients(begin(*LARGE, f"trainer.gradient_clip={clip}")) for clip in (0, 0.1))
    norm = torch.stack([gradient.norm() for gradient in free.values()]).norm()
    assert norm > 0.2
    for name, gradient in free.items():
        torch.testing.assert_close(held[name], gradient * 0.1 / norm, rtol=1e-3, atol=1e-6)


def test_the_average_is_what_is_validated_and_kept(small_recipe: Path, tmp_path: Path) -> None:
    train(read_recipe(small_recipe, ["trainer.ema=0.9", "trainer.epochs=1"]), tmp_path / "run", device="cpu")
    best, last = (load_file(tmp_path / "run" / f"{name}.safetensors") for name in ("best", "last"))
    weight = "heads.speaker.classifier.weight"
    assert torch.equal(best[weight], last[f"average.module.{weight}"])
    assert not torch.equal(best[weight], last[f"module.network.{weight}"])


def test_figures_come_in_the_order_of_the_losses_whichever_was_heard_first(begin: Callable[..., Run]) -> None:
    run = begin('loss.pairs={use="supcon"}')
    run.progress.sums = {"pairs.paired": [1.0, 4.0], "loss": [2.0, 4.0], "speaker.accuracy": [3.0, 4.0]}
    assert list(run.close_epoch())[1:4] == ["loss", "speaker.accuracy", "pairs.paired"]


def test_a_loss_that_is_no_number_is_skipped_and_counted(
    small_recipe: Path, tmp_path: Path, poison: Callable[[Callable[[int], bool]], None]
) -> None:
    poison(lambda step: step == 1)
    train(read_recipe(small_recipe, ["trainer.ema=0.9"]), tmp_path, device="cpu")
    assert [line["skipped_steps"] for line in lines(tmp_path)] == [1, 0]
    assert finite(tmp_path / "best.safetensors") and finite(tmp_path / "last.safetensors")


def test_after_many_such_steps_it_goes_back_and_on_with_half_the_rate(
    begin: Callable[..., Run], poison: Callable[[Callable[[int], bool]], None]
) -> None:
    many = SKIPS_IN_A_ROW
    poison(lambda step: 2 <= step < 2 + many)
    run = begin("trainer.batch_size=1", "trainer.schedule=constant")
    run.save()
    before = {name: tensor.clone() for name, tensor in run.objective.state_dict().items()}
    batches = run.batches()
    for _ in range(1 + many):
        run.learn(next(batches))
    assert (run.step, run.progress.halvings, run.progress.skipped) == (1 + many, 0, many - 1)
    run.learn(next(batches))
    assert (run.step, run.progress.halvings, run.progress.skipped, run.progress.sums) == (0, 1, 0, {})
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.objective.state_dict().items())
    again = [loaded.batch.keys for loaded in batches if run.learn(loaded)]
    assert again == [loaded.batch.keys for loaded in begin("trainer.batch_size=1").batches()]
    assert run.close_epoch()["learning_rate"] == pytest.approx(0.01 / 2)


def test_where_that_does_not_help_it_stops_and_keeps_the_last_good_state(
    small_recipe: Path, tmp_path: Path, poison: Callable[[Callable[[int], bool]], None]
) -> None:
    poison(lambda step: step >= 4)
    with pytest.raises(TrainingError, match=r"no number again and again, .*: lower trainer\.learning_rate; last\.safetensors"):
        train(read_recipe(small_recipe, ["trainer.epochs=9"]), tmp_path, device="cpu")
    assert [line["epoch"] for line in lines(tmp_path)] == [1]
    assert all(finite(path) for path in tmp_path.glob("*.safetensors"))


def test_weights_that_are_no_numbers_at_an_epochs_end_are_never_kept(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, step = begin(), torch.optim.AdamW.step
    run.save()

    def exploding(self: torch.optim.AdamW, *args: Any, **kwargs: Any) -> Any:
        result = step(self, *args, **kwargs)
        if run.step == len(run.sampler) - 1 and not run.progress.halvings:
            self.param_groups[0]["params"][0].data.fill_(float("inf"))
        return result

    monkeypatch.setattr(torch.optim.AdamW, "step", exploding)
    for loaded in run.batches():
        run.learn(loaded)
    assert run.progress.halvings == 1
    run.close_epoch()
    assert finite(tmp_path / "last.safetensors") and finite(tmp_path / "best.safetensors")


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of the 16 recordings that the small recipe trains on and validates with cannot be read."""
    load = Folder.load

    def broken(self: Folder, entry: Entry) -> np.ndarray:
        if entry.key.endswith("/0") and self.config.split == "train":
            raise AudioError(f"{entry.key}: is torn")
        return load(self, entry)

    monkeypatch.setattr(Folder, "load", broken)


def test_some_unreadable_recordings_are_named_and_counted(
    small_recipe: Path, tmp_path: Path, unreadable: None, capfd: pytest.CaptureFixture[str]
) -> None:
    train(read_recipe(small_recipe, ["trainer.max_bad_share=0.5"]), tmp_path, device="cpu")
    assert sum(line["unreadable"] for line in lines(tmp_path)) > 0
    assert "skipped voice" in capfd.readouterr().err
    assert not (tmp_path / "unreadable.txt").exists()


def test_too_many_unreadable_recordings_stop_the_run_with_their_list(recipe: Recipe, tmp_path: Path, unreadable: None) -> None:
    words = r"\d of 16 recordings cannot be read, .* 0\.01 allows: .*unreadable\.txt lists those met so far"
    with pytest.raises(TrainingError, match=words) as stopped:
        train(recipe, tmp_path, device="cpu")
    reasons = (tmp_path / "unreadable.txt").read_text().splitlines()
    assert str(stopped.value).startswith(f"{len(reasons)} of 16") and all(reason.endswith("/0: is torn") for reason in reasons)


MOODS = """
[head.mood]
use = "speaker"
task = "mood"
hidden = [4]
[loss.mood]
use = "cross_entropy"
head = "mood"
[loss.pairs]
use = "supcon"
[trainer]
task_weights = "learnt"
sampler = "balanced"
utterances_per_speaker = 2
"""


@pytest.fixture
def moods(small_recipe: Path, voices: Path, tmp_path: Path) -> Recipe:
    """The small recipe with a second task, whose label only mondays have, and a third loss; their weights are learnt."""
    (tmp_path / "speech").symlink_to(voices)
    rows = ["path\tspeaker\tmood"]
    for number, file in enumerate(sorted(voices.glob("*/*/*.wav"))):
        mood = ("glad", "sad")[number % 2] if "monday" in file.parts else ""
        rows.append(f"speech/{file.relative_to(voices)}\t{file.parts[-3]}\t{mood}")
    (tmp_path / "table.tsv").write_text("\n".join(rows))
    parts = [f'[data.{part}]\nuse = "manifest"\ntable = "table.tsv"\nsplit = "{part}"\n' for part in ("train", "dev", "test")]
    (tmp_path / "moods.toml").write_text("".join([f'extends = "{small_recipe}"\n', *parts, MOODS]))
    return read_recipe(tmp_path / "moods.toml")


def test_several_tasks_are_learnt_where_their_labels_are_known(moods: Recipe, tmp_path: Path) -> None:
    train(moods, tmp_path / "run", device="cpu")
    line = lines(tmp_path / "run")[-1]
    assert {
        "speaker.accuracy",
        "mood.accuracy",
        "pairs.paired",
        "speaker.weight",
        "mood.weight",
        "dev.mood.accuracy",
    } <= line.keys()
    assert line["pairs.paired"] == 1
    assert line["mood.weight"] != 1
    last, best = (load_file(tmp_path / "run" / f"{name}.safetensors") for name in ("last", "best"))
    assert "module.weights.log_variance.mood" in last
    assert not [name for name in best if "log_variance" in name]


@pytest.fixture
def recipe(small_recipe: Path) -> Recipe:
    return read_recipe(small_recipe)


def test_a_frozen_part_stays_as_it_is_running_means_too_and_the_rest_learns(begin: Callable[..., Run]) -> None:
    run = begin('trainer.freeze=["encoder"]', "trainer.weight_decay=0.1")
    before = {name: tensor.clone() for name, tensor in run.network.state_dict().items()}
    for loaded in run.batches():
        run.learn(loaded)
    changed = {name.partition(".")[0] for name, tensor in run.network.state_dict().items() if not tensor.equal(before[name])}
    assert changed == {"heads"}


def test_a_frozen_run_goes_on_where_it_was(begin: Callable[..., Run]) -> None:
    run = begin('trainer.freeze=["encoder"]')
    run.learn(next(run.batches()))
    run.save()
    again = begin('trainer.freeze=["encoder"]')
    again.restore()
    for loaded, other in zip(run.batches(), again.batches(), strict=True):
        assert run.learn(loaded) == again.learn(other)


def test_something_is_left_to_learn(begin: Callable[..., Run]) -> None:
    with pytest.raises(RecipeError, match=r"trainer\.freeze: leaves nothing to learn: take a part out"):
        begin('trainer.freeze=["encoder", "pooling", "head.speaker"]')
    with pytest.raises(RecipeError, match=r"trainer\.freeze: leaves nothing to learn: take a part out"):  # no weight in a mean
        begin('trainer.freeze=["encoder", "head.speaker"]', "pooling.use=average")
