"""Benchmarks count what a graph computes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

HEAD = '<ir_version: 8, opset_import: ["" : 17]>'
CASES = {
    "conv": ("g (float[1, 4, 10] x) => (float[1, 8, n] y)", "y = Conv (x, w)", {"w": (8, 4, 3)}, 8 * 8 * 4 * 3),
    "groups": ("g (float[1, 4, 10] x) => (float[1, 4, n] y)", "y = Conv <group = 4> (x, w)", {"w": (4, 1, 3)}, 8 * 4 * 3),
    "product": ("g (float[1, 5, 16] x) => (float[1, 5, n] y)", "y = MatMul (x, w)", {"w": (16, 7)}, 5 * 16 * 7),
    "gru": (
        "g (float[6, 1, 3] x) => (float[6, 1, 1, n] y)",
        "y = GRU <hidden_size = 2> (x, w, r)",
        {"w": (1, 6, 3), "r": (1, 6, 2)},
        6 * 6 * (3 + 2),
    ),
    "sum": ("g (float[1, 5, 16] x) => (float[1, 5, n] y)", "y = Add (x, w)", {"w": (16,)}, 0),
}


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "benchmarks")
    yield importlib.import_module("graphs")
    sys.modules.pop("graphs", None)


@pytest.mark.parametrize("name", CASES)
def test_multiplications_are_counted(graphs: ModuleType, name: str) -> None:
    signature, body, shapes, macs = CASES[name]
    model = onnx.parser.parse_model(f"{HEAD} {signature} {{ {body} }}")
    for weight, shape in shapes.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(shape, np.float32), weight))
    sizes = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    graph = model.SerializeToString()
    assert graphs.arithmetic(graph, {"x": np.ones(sizes, np.float32)}) == macs
    assert graphs.parameters(graph) == sum(int(np.prod(shape)) for shape in shapes.values())
