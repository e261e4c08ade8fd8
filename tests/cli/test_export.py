"""`fastdiar export`, and graphs that strangers made: what cannot be is explained in a line, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from fastdiar.__main__ import run
from fastdiar.core.bundle import read_bundle, write_bundle
from fastdiar.core.onnx_files import RECIPE

Capture = pytest.CaptureFixture[str]
Golden = Callable[[str, str], None]
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "export"
EXPORTS = {
    "unknown-precision": ["--precision", "int4"],
    "unknown-exporter": ["--to", "onyx"],
    "activity-of-no-model": ["--activity", "qualty"],
    "tensorrt-in-8-bits": ["--to", "tensorrt", "--precision", "int8"],
    "no-such-capability": ["--to", "tensorrt", "--set", "export.use=tensorrt", "--set", "export.compute_capability=ada"],
}
NO_GPU = "tensorrt-without-a-gpu"


@pytest.fixture(autouse=True)
def here(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run, in which errors name what there is without a path."""
    (tmp_path / "run").symlink_to(trained)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_that_cannot_be_is_explained(name: str, golden: Golden, capfd: Capture) -> None:
    assert run(["export", "run", "-o", "model", *EXPORTS[name]]) == 2
    golden(f"export/{name}.txt", capfd.readouterr().err)
    assert [path.name for path in Path().iterdir()] == ["run"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_an_engine_for_the_gpu_that_is_not_here(golden: Golden, capfd: Capture) -> None:
    pytest.importorskip("tensorrt_rtx", reason="needs fastdiar[tensorrt-rtx]")
    assert run(["export", "run", "-o", "model", "--to", "tensorrt"]) == 2
    golden(f"export/{NO_GPU}.txt", capfd.readouterr().err)
    assert [path.name for path in Path().iterdir()] == ["run"]


def graph(opset: int = 17, operator: str = "Abs", weights: str = "", recipe: str | None = "") -> bytes:
    """A graph that takes a waveform; `weights` is where it says that a tensor of it lies."""
    value, kept = helper.make_tensor_value_info, []
    if weights:
        tensor = TensorProto(name="w", dims=[4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value=weights)
        kept, operator = [tensor], "Add"
    inputs = ["waveform", *(tensor.name for tensor in kept)]
    frames = value("frames", TensorProto.FLOAT, [1, 4])
    made = helper.make_graph(
        [helper.make_node(operator, inputs, ["frames"], name="only")],
        "g",
        [value("waveform", TensorProto.FLOAT, [1, 4])],
        [frames],
        kept,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    if recipe is not None:
        helper.set_model_props(model, {RECIPE: recipe})
    return model.SerializeToString()


GRAPHS: dict[str, Callable[[], bytes]] = {
    "weights-elsewhere": lambda: graph(weights="../secret.bin"),
    "broken-recipe": lambda: graph(recipe="[encoder"),
    "no-recipe": lambda: graph(recipe=None),
    "no-graph": lambda: b"dear diary",
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_whose_recipe_cannot_be_shown(name: str, golden: Golden, capfd: Capture) -> None:
    Path("strange.onnx").write_bytes(GRAPHS[name]())
    assert run(["recipe", "show", "strange.onnx"]) == 2
    golden(f"export/{name}.txt", capfd.readouterr().err)


STRANGE = {
    "an opset that nobody knows": (graph(opset=99), "Opset 99"),
    "an operator that nobody knows": (graph(operator="Whatever"), "Whatever"),
    "weights outside its folder": (graph(weights="../secret.bin"), ""),
    "weights where the command runs": (graph(weights="secret.bin"), ""),
    "weights anywhere": (graph(weights="/etc/hostname"), ""),
}
"""Graphs of a model, and a word of what onnxruntime says of them."""


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_graph_in_a_model(name: str, bundle: Path, capfd: Capture) -> None:
    """Nothing of it is computed, and no file is read for it, wherever the command runs."""
    content, reason = STRANGE[name]
    for folder in (Path(), Path("model")):
        folder.mkdir(exist_ok=True)
        (folder / "secret.bin").write_bytes(np.ones(4, np.float32).tobytes())
    shutil.copytree(bundle, "model/strange")
    Path("model/strange/encode.onnx").write_bytes(content)
    write_bundle(Path("model/strange"), read_bundle(bundle))
    os.chdir("model")
    assert run(["bench", "--model", "strange", "--seconds", "0"]) == 2
    said = capfd.readouterr().err
    assert said.startswith("fastdiar: error: strange/encode.onnx: not a graph that onnxruntime can run: ")
    assert said.count("\n") == 1 and reason in said and "[ONNXRuntimeError]" not in said


def test_no_golden_text_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*EXPORTS, *GRAPHS, NO_GPU}
