"""Learning from teachers: a run that has one, what is remembered, and classes for teachers that have none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fastdiar.core.errors import RecipeError, TrainingError
from fastdiar.core.types import Batch
from fastdiar.recipe import read_recipe
from fastdiar.training.checkpoint import load_run
from fastdiar.training.loop import train
from fastdiar.training.teachers import RunTeacher, RunTeacherConfig, Teachers, fit_probe

TAUGHT = [
    "teacher.voice.use='run'",
    "loss.voice.use='embedding_distillation'",
    "loss.frames.use='frame_distillation'",
    "loss.likeness.use='relational'",
    "loss.classes.use='distillation'",
]


def test_a_student_follows_a_run(trained: Path, small_recipe: Path, tmp_path: Path) -> None:
    recipe = read_recipe(
        small_recipe, [*TAUGHT, f"teacher.voice.path='{trained}'", "trainer.epochs=10", "trainer.learning_rate=5e-3"]
    )
    train(recipe, tmp_path / "student", device="cpu")
    first, *_, last = [json.loads(line) for line in (tmp_path / "student/log.jsonl").read_text().splitlines()]
    assert last["dev.voice.cosine"] > first["dev.voice.cosine"]
    assert last["dev.loss"] < first["dev.loss"]


def test_the_teacher_itself_does_not_change(trained: Path, small_recipe: Path) -> None:
    recipe = read_recipe(small_recipe, [*TAUGHT, f"teacher.voice.path='{trained}'"])
    teachers = Teachers(recipe).train()
    assert not any(parameter.requires_grad for parameter in teachers.parameters())
    assert not any(module.training for module in teachers.modules())


def test_a_run_without_that_head(trained: Path, small_recipe: Path) -> None:
    with pytest.raises(TrainingError, match=r"its network has no head 'mood', but speaker"):
        RunTeacher(RunTeacherConfig(path=trained, head="mood"))
    overrides = ["teacher.voice.use='run'", f"teacher.voice.path='{trained}'", "teacher.voice.head='mood'"]
    with pytest.raises(RecipeError, match=r"teacher\.voice: .*its network has no head 'mood'"):
        Teachers(read_recipe(small_recipe, overrides))


def test_a_loss_names_a_teacher_that_is_there(small_recipe: Path) -> None:
    with pytest.raises(RecipeError, match=r"loss\.voice\.teacher: no \[teacher\.voice\] in the recipe"):
        read_recipe(small_recipe, ["loss.voice.use='embedding_distillation'"])


def test_what_a_teacher_said_is_remembered(
    trained: Path, small_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = ["teacher.voice.use='run'", f"teacher.voice.path='{trained}'", f"teacher.voice.cache='{tmp_path}'"]
    batch = Batch(
        0.1 * torch.randn(3, 16000, generator=torch.Generator().manual_seed(0)), torch.tensor([16000, 12000, 16000]), {}
    )
    first = Teachers(read_recipe(small_recipe, overrides))(batch)["voice"]
    assert len(list(tmp_path.rglob("*.safetensors"))) == 3
    monkeypatch.setattr(RunTeacher, "forward", lambda *_: pytest.fail("was asked again"))
    again = Teachers(read_recipe(small_recipe, overrides))(batch)["voice"]
    for name in ("logits", "embedding", "frames"):
        torch.testing.assert_close(getattr(again, name), getattr(first, name), atol=2e-2, rtol=2e-3)


def test_another_clip_or_teacher_is_not_taken_for_one_that_was_heard(trained: Path, small_recipe: Path, tmp_path: Path) -> None:
    overrides = ["teacher.voice.use='run'", f"teacher.voice.path='{trained}'", f"teacher.voice.cache='{tmp_path / 'cache'}'"]
    clip = Batch(torch.full((1, 8000), 0.1), torch.tensor([8000]), {})
    louder = Batch(torch.full((1, 8000), 0.2), torch.tensor([8000]), {})
    copy = shutil.copytree(trained, tmp_path / "copy")
    for recipe in (read_recipe(small_recipe, overrides), read_recipe(small_recipe, [*overrides, f"teacher.voice.path='{copy}'"])):
        for each in (clip, louder):
            Teachers(recipe)(each)
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 4


def test_a_probe_gives_classes_and_comes_back_with_the_run(trained: Path, small_recipe: Path, tmp_path: Path) -> None:
    recipe = read_recipe(
        small_recipe, [*TAUGHT, f"teacher.voice.path='{trained}'", "teacher.voice.probe='speaker'", "trainer.epochs=1"]
    )
    train(recipe, tmp_path / "run", device="cpu")
    probe = load_file(tmp_path / "run/probes.safetensors")["voice.directions"]
    assert probe.shape == (4, load_run(trained).embedding)
    teachers = Teachers(recipe)
    teachers.recall(tmp_path / "run/probes.safetensors")
    torch.testing.assert_close(teachers.probes["voice"].directions, probe)


def test_a_probe_tells_apart_what_can_be_told_apart() -> None:
    torch.manual_seed(0)
    labels = torch.arange(60) % 3
    embeddings = torch.eye(8)[labels] + 0.2 * torch.randn(60, 8, generator=torch.Generator().manual_seed(0))
    assert (fit_probe(embeddings, labels, 3)(embeddings).argmax(-1) == labels).all()


def test_a_run_lends_its_weights(trained: Path, small_recipe: Path, tmp_path: Path) -> None:
    """With a rate of next to nothing the new run is still what it started from."""
    recipe = read_recipe(small_recipe, [f"trainer.start='{trained}'", "trainer.epochs=1", "trainer.learning_rate=1e-12"])
    train(recipe, tmp_path / "run", device="cpu")
    lent, own = load_file(trained / "best.safetensors"), load_file(tmp_path / "run/best.safetensors")
    kernels = [name for name in lent if name.endswith("conv.weight")]
    assert kernels
    for name in kernels:
        torch.testing.assert_close(own[name], lent[name], atol=1e-6, rtol=0)


def test_a_start_with_nothing_in_common(trained: Path, small_recipe: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    save_file({"else": torch.zeros(1)}, other / "best.safetensors")
    with pytest.raises(TrainingError, match="its network has no part in common with this one"):
        train(read_recipe(small_recipe, [f"trainer.start='{other}'"]), tmp_path / "run", device="cpu")
