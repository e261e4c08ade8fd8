"""From a recipe to a model by commands alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fastdiar.__main__ import run
from tests.conftest import EXAMPLES


def test_train_and_resume(small_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ["train", str(small_recipe), "--device", "cpu", "--out", str(tmp_path / "run")]
    assert run([*train, "--set", "trainer.epochs=1"]) == 0
    assert "1 epoch, the best was 1" in capsys.readouterr().out
    assert run([*train, "--set", "trainer.epochs=1"]) == 2
    assert "is not empty: continue the run in it with --resume" in capsys.readouterr().err
    assert run([*train, "--resume"]) == 2
    assert "trainer.epochs: was 1, is 2: set them back, or start anew with another --out" in capsys.readouterr().err
    assert run([*train, "--set", "trainer.epochs=1", "--resume"]) == 0


def test_a_run_that_ends_early_says_why(small_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ["train", str(small_recipe), "--device", "cpu", "--out", str(tmp_path / "run")]
    assert run([*train, "--set", "trainer.patience=1", "--set", "trainer.epochs=9", "--set", "trainer.learning_rate=1e-12"]) == 0
    assert capsys.readouterr().out.endswith("run: 2 epochs, the best was 1 (1 brought nothing better)\n")


def test_what_fails_with_a_plugin_s_component_says_how_to_try_that(
    acme: Callable[..., Path], small_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme("good")
    recipe = tmp_path / "tones.toml"
    recipe.write_text(f'extends = "{small_recipe}"\ndrop = ["data.dev"]\n[data.dev]\nuse = "acme/tones"\nroot = "."\n')

    def fail(*settings: object) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr("fastdiar.training.loop.train", fail)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as caught:
        run(["train", str(recipe), "--out", str(tmp_path / "run")])
    (note,) = caught.value.__notes__
    assert note.endswith("To try it: fastdiar plugins dataset acme/tones --check")


def test_export_in_half_precision_passes_its_gate(
    trained: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    assert run(["export", str(trained), "--to", "onnx", "--precision", "fp16", "--gate", str(EXAMPLES), "-o", str(model)]) == 0
    printed = capsys.readouterr().out
    assert all(f"{name}.onnx" in printed for name in ("encode", "embed", "classify"))
    assert "MB with weights, differs from torch by at most" in printed and "gate: DER" in printed
    half, whole = ((folder / "encode.onnx").stat().st_size for folder in (model, bundle))
    assert half < 0.7 * whole
    report = json.loads((model / "gate.json").read_text())
    before, after = report["comparison"]["der"]
    assert (report["precision"], report["limit"], report["comparison"]["recordings"]) == ("fp16", 0.1, 1)
    assert before > 0 and abs(after - before) <= 0.001


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "gpu"], "'gpu' is not one of 'auto', 'cpu', 'cuda', 'mps'"),
        (["--device", "mps", "--set", "trainer.precision=32-true"], "--device mps: not available here"),
        (["--set", "data.dev.root=nowhere"], "small.toml: data.dev: "),
        (["--out", "file/run"], "--out file/run: cannot be a folder to write to: Not a directory"),
        (["--out", "file"], "--out file: cannot be a folder to write to: File exists"),
    ],
)
def test_what_cannot_start_says_why(
    options: list[str],
    message: str,
    small_recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("lightning_fabric.accelerators.mps.MPSAccelerator.is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert run(["train", str(small_recipe), "--out", "run", *options]) == 2
    assert message in capsys.readouterr().err
