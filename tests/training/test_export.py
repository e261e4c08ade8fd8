"""From a run to a bundle."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import torch

import fastdiar
from fastdiar.core.bundle import Activity, read_bundle, write_bundle
from fastdiar.core.errors import ModelError, RecipeError, RegistryError, TrainingError
from fastdiar.plugins.exporters import onnx as exporter
from fastdiar.recipe import read_recipe, recipe_from_table
from fastdiar.training import export
from fastdiar.training.export import export_run, portable


def test_a_bundle_says_what_it_is(bundle: Path, trained: Path) -> None:
    found = read_bundle(bundle)
    assert found.labels == ("voice0", "voice1", "voice2", "voice3")
    assert (found.frames.dim, found.frames.hop, found.embedding) == (12, 320.0, 16)
    assert {"encode.onnx", "embed.onnx", "classify.onnx"} <= set(found.files)
    assert {"fastdiar", "torch", "onnx"} <= set(found.made)
    stored, trained_from = recipe_from_table(found.recipe), read_recipe(trained / "recipe.toml")
    assert (stored.encoder, stored.head, stored.trainer) == (trained_from.encoder, trained_from.head, trained_from.trainer)


def test_no_folder_of_this_machine_is_told(bundle: Path, voices: Path) -> None:
    code, libraries = Path(fastdiar.__file__).parent, Path(torch.__file__).parent
    for path in bundle.iterdir():
        for folder in (voices.parent, code, libraries):
            assert str(folder).encode() not in path.read_bytes()


def test_paths_become_relative_to_what_they_have_in_common(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(
        '[data.train]\nuse = "manifest"\ntable = "corpus/table.tsv"\nspeakers = "corpus/lists/train.txt"\n'
    )
    table = portable(read_recipe(tmp_path / "recipe.toml"))
    assert table["data"]["train"]["table"] == "table.tsv"
    assert table["data"]["train"]["speakers"] == "lists/train.txt"


def test_who_is_active_is_borrowed_from_the_model_that_ships(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, folder = tmp_path / "quality", tmp_path / "mine"
    model.mkdir()
    folder.mkdir()
    for name in ("activity.onnx", "LICENSE.segmentation.txt"):
        (model / name).write_text(name)
    activity = Activity(hop=270.0, first=495.0)
    write_bundle(model, attrs.evolve(read_bundle(bundle), activity=activity))
    monkeypatch.setattr(export, "shipped", lambda: ["quality"])
    monkeypatch.setattr(export, "find_model", lambda name: tmp_path / name)
    assert export.borrow_activity(folder) == activity
    assert {path.name for path in folder.iterdir()} == {"activity.onnx", "LICENSE.segmentation.txt"}


def test_a_graph_that_strays_leaves_nothing(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(exporter.LIMITS, "fp32", 0.0)
    with pytest.raises(ModelError, match=r"encode\.onnx: differs from torch by .*: nothing was exported"):
        export_run(trained, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_says_why(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no run"):
        export_run(tmp_path, tmp_path / "bundle")
    with pytest.raises(RegistryError, match=r"no exporter 'onyx' \(did you mean 'onnx'\?\)"):
        export_run(trained, tmp_path / "bundle", use="onyx")
    with pytest.raises(RecipeError, match=r"export\.precision: .*fp8"):
        export_run(trained, tmp_path / "bundle", precision="fp8")
    with pytest.raises(ModelError, match="is not empty"):
        export_run(trained, trained)
