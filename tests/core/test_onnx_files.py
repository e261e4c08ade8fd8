"""Graphs stored in half the space compute what they computed before."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from fastdiar.core.onnx_files import store_as_half


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


def test_the_model_given_is_left_as_it_was() -> None:
    model = linear(np.eye(4, dtype=np.float32), np.ones(4, np.float32))
    before = model.SerializeToString(deterministic=True)
    store_as_half(model)
    assert model.SerializeToString(deterministic=True) == before


def test_a_number_too_large_for_half_keeps_its_tensor() -> None:
    weight = np.array([[1e6, 0.0], [0.0, 1.0]], np.float32)
    half = store_as_half(linear(weight, np.zeros(2, np.float32)))
    np.testing.assert_array_equal(run(half, np.ones((1, 2), np.float32)), [[1e6, 1.0]])
