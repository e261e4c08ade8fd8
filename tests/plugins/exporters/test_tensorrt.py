"""Engines built for a GPU that is not here, and run where one is."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from fastdiar.core.errors import MissingExtra, ModelError
from fastdiar.core.parity import Parity
from fastdiar.core.structure import StructureError, structure
from fastdiar.core.tensorrt_engines import Engine, Target, build_engine, find_engine, target
from fastdiar.plugins.exporters.tensorrt import TensorRt, TensorRtConfig
from fastdiar.training.checkpoint import load_run

rtx = pytest.mark.skipif(find_spec("tensorrt_rtx") is None, reason="needs fastdiar[tensorrt-rtx], which is not here")
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU, and there is none here")
ELSEWHERE = Target("tensorrt_rtx", "1.0", "8.9")


@rtx
def test_engines_are_built_without_a_gpu(trained: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copied(network: Any, folder: Path, *given: Any) -> dict[str, Parity]:
        return {name: Parity(0.0) for name in ("encode.onnx", "embed.onnx") if shutil.copyfile(bundle / name, folder / name)}

    monkeypatch.setattr("fastdiar.plugins.exporters.tensorrt.write_graphs", copied)
    config = TensorRtConfig(library="tensorrt_rtx", compute_capability="8.9", seconds=(0.1, 1.0, 3.0), precision="fp16")
    parity = TensorRt(config).export(load_run(trained), tmp_path, {}, list)
    built_for = target("tensorrt_rtx", "8.9")
    for name in parity:
        engine = find_engine(tmp_path / name, built_for)
        assert engine.stat().st_size > 1000 and ".sm89." in engine.name and built_for.version in engine.name


@rtx
def test_what_cannot_be_built_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    graph = tmp_path / "odd.onnx"
    graph.write_bytes(unsupported_graph())
    with pytest.raises(ModelError, match=r"odd\.onnx: tensorrt_rtx cannot run its operator Unique"):
        build_engine(graph, target("tensorrt_rtx", "8.9"), {})
    newer = onnx.load_from_string(parsed("y = Abs (x)"))
    newer.opset_import[0].version = 99
    (tmp_path / "newer.onnx").write_bytes(newer.SerializeToString())
    with pytest.raises(ModelError, match=r"newer\.onnx: is of opset 99"):
        build_engine(tmp_path / "newer.onnx", target("tensorrt_rtx", "8.9"), {})
    with pytest.raises(ModelError, match=r"compute_capability 3\.5: tensorrt_rtx builds for .*8\.9"):
        build_engine(bare_graph(tmp_path), target("tensorrt_rtx", "3.5"), {})
    assert {path.suffix for path in tmp_path.iterdir()} == {".onnx"}


def test_an_engine_for_another_gpu_version_or_graph_is_not_taken(tmp_path: Path) -> None:
    graph = bare_graph(tmp_path)
    with pytest.raises(ModelError, match="no engine: expected"):
        find_engine(graph, ELSEWHERE)
    other = Target("tensorrt_rtx", "1.0", "12.0").file(graph)
    other.write_bytes(b"engine")
    with pytest.raises(ModelError, match=rf"only {other.name}, built for another GPU, version or graph"):
        find_engine(graph, ELSEWHERE)
    mine = ELSEWHERE.file(graph)
    mine.write_bytes(b"engine")
    assert find_engine(graph, ELSEWHERE) == mine
    graph.write_bytes(b"another graph")
    with pytest.raises(ModelError, match="built for another GPU, version or graph"):
        find_engine(graph, ELSEWHERE)


def test_without_the_library_or_a_gpu_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(MissingExtra, match=r"\.\[tensorrt\]"):
        target("tensorrt", "8.9")
    if not torch.cuda.is_available():
        monkeypatch.setattr("fastdiar.core.tensorrt_engines.EXTRAS", {"json": "tensorrt"})
        monkeypatch.setattr("json.__version__", "1", raising=False)
        with pytest.raises(ModelError, match="there is no GPU here: say which to build for"):
            target()


@pytest.mark.parametrize(
    "table", [{"batch": [4, 2, 8]}, {"seconds": [0, 1, 2]}, {"compute_capability": "ada"}, {"precision": "int8"}]
)
def test_what_no_engine_can_be_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(StructureError, match=next(iter(table))):
        structure(table, TensorRtConfig)


@rtx
@gpu
def test_an_engine_gives_what_torch_gives(trained: Path, tmp_path: Path) -> None:
    network, built_for = load_run(trained), target("tensorrt_rtx")
    TensorRt(TensorRtConfig(library="tensorrt_rtx")).export(network, tmp_path, {}, list)
    waveform = 0.1 * np.random.default_rng(0).standard_normal((2, 32_000)).astype(np.float32)
    with torch.no_grad():
        frames, _ = network.encode(torch.from_numpy(waveform), torch.tensor([32_000, 32_000]))
    found = Engine(find_engine(tmp_path / "encode.onnx", built_for), built_for)(waveform=waveform)
    np.testing.assert_allclose(found["frames"], frames, atol=1e-2)


@gpu
def test_a_broken_engine_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "encode.engine"
    path.write_bytes(b"engine")
    with pytest.raises(ModelError, match="was built for another GPU or version"):
        Engine(path, target("tensorrt_rtx"))


def bare_graph(folder: Path) -> Path:
    path = folder / "encode.onnx"
    path.write_bytes(parsed("y = Abs (x)"))
    return path


def unsupported_graph() -> bytes:
    return parsed("y = Unique (x)")


def parsed(body: str) -> bytes:
    head = '<ir_version: 8, opset_import: ["" : 17]> g (float[4] x) => (float[n] y)'
    return onnx.parser.parse_model(f"{head} {{ {body} }}").SerializeToString()
