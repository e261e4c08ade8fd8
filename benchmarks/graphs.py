"""What the nodes of an ONNX graph take: time, by onnxruntime's profiler, and arithmetic, from the shapes that it sees."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

import attrs
import numpy as np
import onnx
import onnxruntime

WARM_UP = 5
OTHER = "rest of the graph"
GATES = {"GRU": 3, "LSTM": 4}


@attrs.frozen
class Node:
    """One node of the graph as onnxruntime runs it: `microseconds` is its median, `macs` its multiplications with additions."""

    name: str
    kind: str
    microseconds: float
    macs: int

    @property
    def stage(self) -> str:
        """The part of the network that it belongs to, and what it computes."""
        scope = self.name.partition("/")[0].removeprefix("network.").split(".")
        part = ".".join(scope[: 2 if scope[0] == "temporal" else 1]) if "/" in self.name else OTHER
        return f"{part}: {self.kind}"


def inputs_of(graph: bytes) -> set[str]:
    """Names of what a graph takes."""
    return {put.name for put in onnx.load_from_string(graph).graph.input}


def parameters(graph: bytes) -> int:
    """Numbers that a graph holds."""
    return sum(prod(tensor.dims) for tensor in onnx.load_from_string(graph).graph.initializer)


def arithmetic(graph: bytes, given: Mapping[str, np.ndarray]) -> int:
    """Multiplications with additions of a graph for these inputs, in convolutions, products and recurrent layers."""
    return sum(node.macs for node in profiled(graph, given))


def profiled(graph: bytes, given: Mapping[str, np.ndarray], runs: int = 1) -> Iterator[Node]:
    """A graph's nodes, as onnxruntime has fused them, in the order they run."""
    model = onnx.load_from_string(graph)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"node{number}"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.enable_profiling = 1, True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        for _ in range(WARM_UP + runs):
            session.run(None, dict(given))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    weights = dict(kernels(model.graph))
    taken: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            taken[event["name"].removesuffix("_kernel_time")].append(event)
    for name, times in taken.items():
        about = times[-1]["args"]
        yield Node(
            name,
            about["op_name"],
            median(each["dur"] for each in times[WARM_UP:]),
            macs(about, weights.get(name.partition("_token_")[0])),
        )


def kernels(graph: onnx.GraphProto) -> Iterator[tuple[str, list[int]]]:
    """The shape of each convolution's weights, by node name: the profiler does not tell it where onnxruntime has packed them."""
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    made_from = {node.output[0]: node.input[0] for node in graph.node if node.op_type in ("Cast", "DequantizeLinear")}
    for node in graph.node:
        weights = made_from.get(node.input[1], node.input[1]) if node.op_type == "Conv" else None
        if weights in shapes:
            yield node.name, shapes[weights]


def macs(about: Mapping[str, Any], weights: list[int] | None) -> int:
    """Multiplications with additions of a node, from the shapes that the profiler saw; 0 of what only moves or adds numbers."""
    given, made = ([list(next(iter(shape.values()))) for shape in about[f"{side}_type_shape"]] for side in ("input", "output"))
    kind = about["op_name"]
    if weights:
        return prod(made[0]) * prod(weights[1:])
    if kind in ("MatMul", "FusedMatMul", "Gemm", "MatMulInteger", "MatMulIntegerToFloat", "QLinearMatMul"):
        return prod(given[0]) * made[0][-1]  # true of a transposed factor, too
    if kind in ("Conv", "FusedConv"):
        return prod(made[0]) * prod(given[1][1:])
    if kind in GATES:
        numbers, hidden = given[0][-1], made[0][-1]
        return prod(made[0]) * GATES[kind] * (numbers + hidden)
    return 0
