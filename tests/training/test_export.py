"""From a run to a bundle."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import onnxruntime
import pytest
import torch

import fastdiar
from fastdiar.core import onnx_graphs
from fastdiar.core.bundle import Activity, read_bundle, write_bundle
from fastdiar.core.errors import AudioError, DataError, ModelError, Problem, RecipeError, RegistryError, TrainingError
from fastdiar.core.parity import Parity
from fastdiar.core.types import RATE
from fastdiar.diarization.model import Model, find_model
from fastdiar.evaluation import gate, talks
from fastdiar.network import build_network
from fastdiar.plugins.datasets.folder import Folder
from fastdiar.plugins.exporters.onnx import Onnx
from fastdiar.recipe import read_recipe, recipe_from_table
from fastdiar.training import export
from fastdiar.training.export import TorchModel, export_run, portable
from fastdiar.training.loop import train
from tests.conftest import EXAMPLES

TURNS = """
[data.train]
use = "rttm"
root = "{root}"

[encoder]
use = "sincnet"

[head.activity]
use = "activity"
hidden = 4
layers = 1
subframes = 1

[loss.activity]
use = "powerset"

[trainer]
epochs = 1
seconds = [2.0, 2.0]
"""
"""Who is active, and nothing else."""


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


def test_who_is_active_is_borrowed_from_another_model_with_its_licence(bundle: Path, tmp_path: Path) -> None:
    lender, folder = tmp_path / "lender", tmp_path / "mine"
    lender.mkdir()
    folder.mkdir()
    for name in ("activity.onnx", "LICENSE.segmentation.txt"):
        (lender / name).write_text(name)
    activity = Activity(hop=270.0, first=495.0)
    write_bundle(lender, attrs.evolve(read_bundle(bundle), activity=activity))
    assert export.borrow_activity(lender, folder, precision="fp32") == activity
    assert {path.name for path in folder.iterdir()} == {"activity.onnx", "LICENSE.segmentation.txt"}


def test_a_model_without_a_graph_for_who_is_active_lends_none(bundle: Path, tmp_path: Path) -> None:
    lender = tmp_path / "lender"
    lender.mkdir()
    write_bundle(lender, attrs.evolve(read_bundle(bundle), activity=None))
    with pytest.raises(ModelError, match=r"lender: has no activity\.onnx to lend: choose another model with --activity"):
        export.borrow_activity(lender, tmp_path, precision="fp32")


def test_a_run_that_knows_who_is_active_and_nothing_else_is_lent(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "turns.toml").write_text(TURNS.format(root=EXAMPLES.as_posix()))
    train(read_recipe(tmp_path / "turns.toml"), tmp_path / "run", device="cpu")
    lent = export_run(tmp_path / "run", tmp_path / "turns").bundle
    assert (set(lent.files), lent.embedding, lent.activity) == ({"activity.onnx"}, 0, Activity(hop=270.0, first=0.0))
    made = export_run(trained, tmp_path / "mine", gate=EXAMPLES, lent_by=str(tmp_path / "turns")).bundle
    assert made.activity == lent.activity
    assert made.files["activity.onnx"] == lent.files["activity.onnx"]


def test_of_what_was_learnt_a_share_is_exported(trained: Path, tmp_path: Path, dialogue: np.ndarray) -> None:
    vectors = []
    for share in (0.0, 0.5, 1.0):
        folder = tmp_path / f"share{share}"
        assert export_run(trained, folder, gate=EXAMPLES, learnt=share).gate.comparison
        frames = Model(folder).encode(dialogue)
        vectors.append(Model(folder).embed(frames, np.ones((1, len(frames)), np.float32))[0])
    start_to_half, half_to_whole, start_to_whole = (np.dot(vectors[a], vectors[b]) for a, b in ((0, 1), (1, 2), (0, 2)))
    assert start_to_whole < min(start_to_half, half_to_whole) < 1


def test_a_run_that_did_not_keep_what_it_began_with_is_exported_whole_alone(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "run")
    (tmp_path / "run/first.safetensors").unlink()
    with pytest.raises(TrainingError, match=r"first\.safetensors: cannot be read"):
        export_run(tmp_path / "run", tmp_path / "model", gate=EXAMPLES, learnt=0.5)
    assert not (tmp_path / "model").exists()


def test_in_eight_bits_the_borrowed_activity_is_smaller_and_hears_nearly_the_same(tmp_path: Path, dialogue: np.ndarray) -> None:
    whole, small = tmp_path / "whole", tmp_path / "small"
    for folder, precision in ((whole, "fp16"), (small, "int8")):
        folder.mkdir()
        export.borrow_activity(find_model("quality"), folder, precision)
    sizes = [(folder / "activity.onnx").stat().st_size for folder in (whole, small)]
    assert sizes[1] < 0.7 * sizes[0]
    heard = []
    for folder in (whole, small):
        session = onnxruntime.InferenceSession((folder / "activity.onnx").read_bytes(), providers=["CPUExecutionProvider"])
        heard.append(session.run(None, {"waveform": dialogue[None, : 10 * RATE]})[0])
    assert 0 < np.abs(heard[0] - heard[1]).mean() < 0.01
    assert np.mean(heard[0].argmax(-1) != heard[1].argmax(-1)) < 0.01


def test_a_graph_that_strays_leaves_nothing(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(onnx_graphs.LIMITS, "fp32", 0.0)
    with pytest.raises(ModelError, match=r"encode\.onnx: differs from torch by .*: nothing was exported"):
        export_run(trained, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_the_gate_lets_what_diarizes_alike_pass_and_says_so(bundle: Path) -> None:
    report = json.loads((bundle / "gate.json").read_text())
    before, after = report["comparison"]["der"]
    assert (report["precision"], report["limit"]) == ("fp32", 0.01)
    assert 0 < before == pytest.approx(after, abs=1e-4)
    assert report["comparison"]["agreement"] == pytest.approx(1, abs=1e-3)
    assert report["comparison"]["eer"][0] == pytest.approx(report["comparison"]["eer"][1], abs=1e-3)
    assert report["graphs"]["encode.onnx"]["first_apart"] is None


def test_eight_bits_pass_their_gate(eight_bits: Path) -> None:
    report = json.loads((eight_bits / "gate.json").read_text())
    assert (report["precision"], report["limit"]) == ("int8", 0.3)
    assert report["comparison"]["recordings"] == 1
    assert 1e-4 < report["graphs"]["encode.onnx"]["differs"] < 0.3
    assert report["graphs"]["embed.onnx"]["differs"] < 1e-2  # the last layers are not in 8 bits


def test_torch_hears_several_chunks_at_once_as_the_walk_asks(bundle: Path, small_recipe: Path) -> None:
    recipe = read_recipe(small_recipe, ["head.activity.use=activity", "head.activity.hidden=8"])
    network = build_network(recipe, {"speaker": ("ann", "bob"), "activity": ()}).eval()
    chunks = np.random.default_rng(0).normal(0, 0.1, (2, 8000)).astype(np.float32)
    frames, activity = TorchModel(bundle, network).encode_with_activity(chunks)
    assert frames.shape[:2] == (2, 25) and activity.shape == (2, 50, 7)
    np.testing.assert_allclose(activity.sum(axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(TorchModel(bundle, network).encode(chunks[1]), frames[1], atol=1e-5)


@pytest.fixture
def copied(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports are copies of the bundle's graphs, one stage of which is said to differ."""

    def export(self: Onnx, network: Any, folder: Path, metadata: Any, speech: Any) -> dict[str, Parity]:
        for name in ("encode.onnx", "embed.onnx"):
            shutil.copyfile(bundle / name, folder / name)
        return {"encode.onnx": Parity(0.5, {"encoder.stem": 1e-3, "encoder.blocks": 0.5})}

    monkeypatch.setattr(Onnx, "export", export)


@pytest.mark.usefixtures("copied")
def test_what_loses_too_much_leaves_nothing(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gate.LIMITS, "int8", -1.0)
    where = r"nothing was exported; the first stage that differs is encoder\.blocks of encode\.onnx, by 50\.0 %"
    with pytest.raises(ModelError, match=rf"int8 loses .* points of DER .*, more than -1: {where}"):
        export_run(trained, tmp_path / "model", precision="int8", gate=EXAMPLES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("copied")
def test_without_recordings_talks_are_put_together(
    trained: Path, tmp_path: Path, voices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talks, "TALKS", 2)
    passed = export_run(trained, tmp_path / "model").gate
    assert "the same people in 100.00 % of the speech; talks put together from data.dev: 2 recordings" in str(passed)
    with pytest.raises((DataError, RecipeError), match="RTTM"):
        export_run(trained, tmp_path / "other", gate=voices)


@pytest.mark.usefixtures("copied")
@pytest.mark.parametrize("lost", ["listing", "sound"])
def test_where_the_speech_is_gone_the_der_is_not_checked_and_that_is_said(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """What is exported here is the bundle, which has passed its gate."""

    def gone(*given: Any) -> Any:
        raise AudioError("gone") if lost == "sound" else RecipeError([Problem("gone")])

    monkeypatch.setattr(*((Folder, "load") if lost == "sound" else (export, "read_data")), gone)
    assert "DER not checked" in str(export_run(trained, tmp_path / "model").gate)


def test_what_cannot_be_exported_says_why(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no run"):
        export_run(tmp_path, tmp_path / "bundle")
    with pytest.raises(RegistryError, match=r"no exporter 'onyx' \(did you mean 'onnx'\?\)"):
        export_run(trained, tmp_path / "bundle", use="onyx")
    with pytest.raises(RecipeError, match=r"export\.precision: .*fp8"):
        export_run(trained, tmp_path / "bundle", precision="fp8")
    with pytest.raises(ModelError, match="is not empty"):
        export_run(trained, trained)
