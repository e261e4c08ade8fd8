"""Graphs stored in half the space, or computing in 8 bits, say nearly the same; what they carry is read with care."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from fastdiar.__main__ import run as fastdiar
from fastdiar.core.errors import ModelError
from fastdiar.core.onnx_files import difference, quantize, quantize_lstms, recipe_in, store_as_half, values


def linear(weight: np.ndarray, bias: np.ndarray) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "weight", "bias"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", weight.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", weight.shape[1]])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


def test_half_the_size_and_the_rounded_weights_in_float32_arithmetic() -> None:
    random = np.random.default_rng(0)
    weight, bias = random.normal(size=(64, 48)).astype(np.float32), random.normal(size=48).astype(np.float32)
    x = random.normal(size=(3, 64)).astype(np.float32)
    half = store_as_half(linear(weight, bias))
    onnx.checker.check_model(half)
    assert half.ByteSize() < 0.6 * linear(weight, bias).ByteSize()
    np.testing.assert_allclose(run(half, x), x @ weight.astype(np.float16).astype(np.float32) + bias, atol=1e-5)


@pytest.mark.parametrize("shape", [(7,), (1, 7), (7, 1), (1, 7, 1)])
def test_vectors_of_any_shape_keep_their_precision(shape: tuple[int, ...]) -> None:
    model = linear(np.full((4, 3), 0.1, np.float32), np.zeros(3, np.float32))
    model.graph.initializer.append(numpy_helper.from_array(np.full(shape, 0.1, np.float32), "axis"))
    kinds = {tuple(tensor.dims): tensor.data_type for tensor in store_as_half(model).graph.initializer}
    assert kinds[shape] == TensorProto.FLOAT and kinds[(4, 3)] == TensorProto.FLOAT16


def test_the_model_given_is_left_as_it_was() -> None:
    model = linear(np.eye(4, dtype=np.float32), np.ones(4, np.float32))
    before = model.SerializeToString(deterministic=True)
    store_as_half(model)
    assert model.SerializeToString(deterministic=True) == before


def test_a_number_too_large_for_half_keeps_its_tensor() -> None:
    weight = np.array([[1e6, 0.0], [0.0, 1.0]], np.float32)
    half = store_as_half(linear(weight, np.zeros(2, np.float32)))
    np.testing.assert_array_equal(run(half, np.ones((1, 2), np.float32)), [[1e6, 1.0]])


def test_a_graph_tells_the_recipe_of_its_network_or_what_is_wrong_with_it(bundle: Path, tmp_path: Path) -> None:
    table = recipe_in(bundle / "encode.onnx")
    assert table["encoder"]["use"] == "melrescnn"
    model = onnx.load(bundle / "encode.onnx")
    onnx.helper.set_model_props(model, {"fastdiar.recipe": "[encoder"})
    (tmp_path / "broken.onnx").write_bytes(model.SerializeToString())
    onnx.helper.set_model_props(model, {})
    (tmp_path / "bare.onnx").write_bytes(model.SerializeToString())
    model.opset_import[0].version = 99
    (tmp_path / "newer.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "text.onnx").write_text("dear diary")
    for name, reason in {
        "broken": r"broken\.onnx: the recipe in its metadata is broken: Expected ']'",
        "bare": r"bare\.onnx: carries no recipe: fastdiar export writes graphs that do",
        "newer": r"newer\.onnx: is of opset 99, and onnx [0-9.]+ knows 1 to [0-9]+: export it with an older one",
        "text": r"text\.onnx: not an ONNX file",
        "gone": r"gone\.onnx: cannot be read: No such file",
    }.items():
        with pytest.raises(ModelError, match=reason):
            recipe_in(tmp_path / f"{name}.onnx")


def test_the_recipe_of_a_graph_is_shown(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fastdiar(["recipe", "show", str(bundle / "encode.onnx")]) == 0
    assert 'use = "melrescnn"' in capsys.readouterr().out


def test_eight_bits_compute_nearly_the_same_and_leave_the_rest_alone() -> None:
    random = np.random.default_rng(0)
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 16] x) => (float[n, 4] y) { a = MatMul (x, w) y = MatMul (a, v) }'
    )
    for node, name in zip(model.graph.node, ("first", "last"), strict=True):
        node.name = name
    for name, shape in {"w": (16, 8), "v": (8, 4)}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name))
    before = model.SerializeToString()
    examples = [{"x": random.standard_normal((50, 16)).astype(np.float32)} for _ in range(4)]
    small = quantize(model, ["first"], examples)
    assert model.SerializeToString() == before
    kinds = {tensor.dims[0]: tensor.data_type for tensor in small.graph.initializer if len(tensor.dims) == 2}
    assert kinds == {16: onnx.TensorProto.INT8, 8: onnx.TensorProto.FLOAT}
    exact, found = (values(each, ["a", "y"], examples[0]) for each in (model, small))
    assert 0 < difference(found["y"], exact["y"]) < 0.05


def test_lstms_in_eight_bits_compute_nearly_the_same_and_leave_the_rest_alone() -> None:
    random = np.random.default_rng(0)
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        g (float[steps, n, 16] x) => (float[steps, n, 4] y)
        { a = LSTM <hidden_size = 8> (x, w, r) h = Squeeze (a, one) y = MatMul (h, v) }"""
    )
    arrays = {"w": (1, 32, 16), "r": (1, 32, 8), "v": (8, 4)}
    weights = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in arrays.items()}
    for name, array in {**weights, "one": np.array([1])}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    before = model.SerializeToString()
    small, from_half = quantize_lstms(model), quantize_lstms(store_as_half(model))
    assert model.SerializeToString() == before
    assert {node.op_type for node in small.graph.node} == {"DynamicQuantizeLSTM", "Squeeze", "MatMul"}
    heard = {"x": random.standard_normal((40, 2, 16)).astype(np.float32)}
    exact, found, again = (values(each, ["y"], heard)["y"] for each in (model, small, from_half))
    assert 0 < difference(found, exact) < 0.05
    assert difference(again, found) < 0.01
