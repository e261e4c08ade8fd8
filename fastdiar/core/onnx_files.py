"""What is done to ONNX graphs as files. Importing this imports `onnx`, which only `fastdiar[train]` brings."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LARGEST_HALF = float(np.finfo(np.float16).max)


def store_as_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose float32 matrices and kernels are stored as float16, each with a Cast to float32 behind it.

    The graph computes in float32 as before: onnxruntime folds the Casts while loading, so the file halves and the speed
    stays. Vectors (biases, norms) keep their precision; so does a tensor with a number that float16 cannot hold.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    casts = [_halve(tensor) for tensor in half.graph.initializer if _fits(tensor)]
    names = {cast.output[0] for cast in casts}
    inputs = [given for given in half.graph.input if given.name not in names]
    nodes = [*casts, *half.graph.node]
    del half.graph.input[:], half.graph.node[:]
    half.graph.input.extend(inputs)
    half.graph.node.extend(nodes)
    return half


def shorten_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which nodes have no names and inner tensors have short ones: in a deep graph these are a tenth of the file.

    Inputs and outputs keep their names, and so does everything that a branch of the graph refers to.
    """
    short = onnx.ModelProto()
    short.CopyFrom(model)
    del short.graph.value_info[:]
    keep = {put.name for put in (*short.graph.input, *short.graph.output)} | _names_in_branches(short.graph)
    made = [name for node in short.graph.node for name in node.output]
    inner = [name for name in (*made, *(tensor.name for tensor in short.graph.initializer)) if name and name not in keep]
    names = {name: f"{number:x}" for number, name in enumerate(inner)}
    for tensor in short.graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for node in short.graph.node:
        node.name = ""
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    return short


def _names_in_branches(graph: onnx.GraphProto) -> set[str]:
    """Every tensor that a node inside an If, Loop or Scan reads."""
    branches = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
    read = {name for branch in branches for node in branch.node for name in node.input}
    made = {put.name for branch in branches for put in branch.output}
    return read.union(made, *(_names_in_branches(branch) for branch in branches))


def _fits(tensor: TensorProto) -> bool:
    if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
        return False
    return float(np.abs(numpy_helper.to_array(tensor)).max(initial=0.0)) <= LARGEST_HALF


def _halve(tensor: TensorProto) -> onnx.NodeProto:
    """Turn an initialiser into float16 under a new name; returns the Cast that gives its old name in float32."""
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half"))
    return helper.make_node("Cast", [tensor.name], [name], f"{name}.float", to=TensorProto.FLOAT)
