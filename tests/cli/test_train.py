"""From a recipe to a model by commands alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdiar.__main__ import run


def test_train_resume_and_export(small_recipe: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ["train", str(small_recipe), "--device", "cpu", "--out", str(tmp_path / "run")]
    assert run([*train, "--set", "trainer.epochs=1"]) == 0
    assert "1 epochs, the best was 1" in capsys.readouterr().out
    assert run([*train, "--set", "trainer.epochs=1"]) == 2
    assert "is not empty: continue the run in it with --resume" in capsys.readouterr().err
    assert run([*train, "--resume"]) == 2
    assert "trainer.epochs differ" in capsys.readouterr().err
    assert run([*train, "--set", "trainer.epochs=1", "--resume"]) == 0
    assert run(["export", str(tmp_path / "run"), "--to", "onnx", "--precision", "fp16", "-o", str(tmp_path / "model")]) == 0
    printed = capsys.readouterr().out
    assert all(f"{name}.onnx" in printed for name in ("encode", "embed", "classify"))
    assert "MB with weights, differs from torch by at most" in printed
    half, whole = ((folder / "encode.onnx").stat().st_size for folder in (tmp_path / "model", bundle))
    assert half < 0.7 * whole
    assert (tmp_path / "model" / "bundle.toml").is_file()
