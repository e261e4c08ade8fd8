"""What is done to ONNX graphs as files. Importing this imports `onnx`, which only `fastdiar[train]` brings."""

from __future__ import annotations

import logging
import tempfile
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper

from fastdiar.core.errors import ModelError, needs

RECIPE = "fastdiar.recipe"
"""Under this name a graph's metadata holds the resolved recipe that its network was trained from."""
LARGEST_HALF = float(np.finfo(np.float16).max)


def read_graph(path: Path) -> onnx.ModelProto:
    """A graph that is all in one file, of a known opset; raises `ModelError`. No other file is opened, whatever it says."""
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except DecodeError:
        raise ModelError(f"{path}: not an ONNX file") from None
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ModelError(f"{path}: its weights lie in other files: expected all in one")
    opset = max((each.version for each in model.opset_import if not each.domain), default=0)
    if opset > onnx.defs.onnx_opset_version():
        known = f"onnx {onnx.__version__} knows 1 to {onnx.defs.onnx_opset_version()}"
        raise ModelError(f"{path}: is of opset {opset}, and {known}: export it with an older one, or pip install -U onnx")
    return model


def metadata_of(model: onnx.ModelProto) -> dict[str, str]:
    """What a graph says of itself."""
    return {entry.key: entry.value for entry in model.metadata_props}


def recipe_in(path: Path) -> dict[str, Any]:
    """The recipe's table that an exported graph carries; raises `ModelError` where it has none, or a broken one."""
    text = metadata_of(read_graph(path)).get(RECIPE)
    if text is None:
        raise ModelError(f"{path}: carries no recipe: fastdiar export writes graphs that do")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path}: the recipe in its metadata is broken: {error}") from None


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """A graph's weights, float32, by their names."""
    return {tensor.name: numpy_helper.to_array(tensor).astype(np.float32) for tensor in model.graph.initializer}


def layers(path: Path, operator: str) -> list[list[np.ndarray]]:
    """The weights of every node of one kind, in the graph's order, and those of an addition behind it; raises `ModelError`."""
    model = read_graph(path)
    arrays, nodes = constants(model), model.graph.node
    added = {name: node for node in nodes if node.op_type == "Add" for name in node.input}
    found = [[node, *([added[node.output[0]]] if node.output[0] in added else [])] for node in nodes if node.op_type == operator]
    weights = [[arrays[name] for node in each for name in node.input if name in arrays] for each in found]
    return [each for each in weights if each]


@attrs.frozen(eq=False)
class LastLinear:
    """A graph's last layer: `weight [out, in]`, `bias [out]`, and `mean` and `variance [out]` of what comes out of it."""

    weight: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    @property
    def sizes(self) -> str:
        """Numbers in and out, in words."""
        return f"{self.weight.shape[1]} → {self.weight.shape[0]}"


def last_linear(path: Path) -> LastLinear:
    """The last linear layer of a graph, and the norm behind it (0 and 1 without); raises `ModelError` where there is none."""
    model = read_graph(path)
    arrays, nodes = constants(model), model.graph.node
    linear = [node for node in nodes if node.op_type in ("Conv", "Gemm") and node.input[1] in arrays]
    if not linear:
        raise ModelError(f"{path}: has no linear layer")
    weight, *bias = (arrays[name] for name in linear[-1].input[1:])
    weight = weight.reshape(len(weight), -1)
    mean, variance = np.zeros(len(weight), np.float32), np.ones(len(weight), np.float32)
    if nodes[-1].op_type == "BatchNormalization":
        mean, variance = (arrays[name] for name in nodes[-1].input[3:])
    return LastLinear(weight, bias[0] if bias else np.zeros_like(mean), mean, variance)


def store_as_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose float32 matrices and kernels are stored as float16, each with a Cast to float32 behind it.

    The graph computes in float32 as before: onnxruntime folds the Casts while loading, so the file halves and the speed
    stays. Vectors (biases, norms, axes) keep their precision; so does a tensor with a number that float16 cannot hold.
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


def quantize(model: onnx.ModelProto, layers: Collection[str], examples: Sequence[Mapping[str, np.ndarray]]) -> onnx.ModelProto:
    """A copy whose `layers`, convolutions and products with constant weights by node name, work with 8-bit whole numbers.

    Weights have a scale for each output channel; activations one a tensor, from their range over `examples` (inputs by name).
    Weights use 7 of their 8 bits: processors without VNNI add two products in 16 bits, which 8 full bits overflow unnoticed.
    Written as pairs of QuantizeLinear and DequantizeLinear, which a runtime turns into its integer kernels.
    """
    with needs("cpu", "quantizing a graph"):
        from onnxruntime import quantization

    left = iter(examples)
    kinds = sorted({node.op_type for node in model.graph.node if node.name in layers})
    with tempfile.TemporaryDirectory() as folder, _silent_root():
        path = Path(folder) / "graph.onnx"
        onnx.save(model, path)
        quantization.quantize_static(
            path,
            path,
            SimpleNamespace(get_next=lambda: next(left, None)),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=kinds,
            nodes_to_quantize=list(layers),
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )
        return onnx.load(path)


def quantize_lstms(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose LSTMs work with 8-bit whole numbers: weights as in `quantize`, activations in a range found while running.

    The operator is one of onnxruntime's own, which has none for GRUs. Weights may be stored in half precision.
    """
    with needs("cpu", "quantizing a graph"):
        from onnxruntime import quantization

    whole = _widened(model)
    for number, node in enumerate(whole.graph.node):
        node.name = node.name or f"node{number}"  # the quantizer makes new names out of them
    with tempfile.TemporaryDirectory() as folder, _silent_root():
        path = Path(folder) / "graph.onnx"
        quantization.quantize_dynamic(
            whole,
            path,
            op_types_to_quantize=["LSTM"],
            per_channel=True,
            reduce_range=True,
            weight_type=quantization.QuantType.QInt8,
        )
        return onnx.load(path)


def values(model: onnx.ModelProto, names: Sequence[str], inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What inner tensors of a graph hold, by their names."""
    return dict(zip(names, session(model, names).run(list(names), dict(inputs)), strict=True))


def session(model: onnx.ModelProto, names: Iterable[str] = (), threads: int = 0) -> Any:
    """A graph ready to run on the CPU, with so many `threads` (0: one a core); it gives the inner tensors `names` too."""
    with needs("cpu", "running a graph"):
        import onnxruntime
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    outer = {put.name for put in model.graph.output}
    opened.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in outer)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(opened.SerializeToString(), options, providers=["CPUExecutionProvider"])


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, as a share of the largest number that is expected, or of 1 where that is less."""
    return float(np.abs(found - expected).max(initial=0.0) / max(1.0, np.abs(expected).max(initial=0.0)))


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


@contextmanager
def _silent_root() -> Iterator[None]:
    """Keep the quantizer's advice back, which it gives through everybody's logger."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.root.setLevel(level)


def _names_in_branches(graph: onnx.GraphProto) -> set[str]:
    """Every tensor that a node inside an If, Loop or Scan reads."""
    branches = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
    read = {name for branch in branches for node in branch.node for name in node.input}
    made = {put.name for branch in branches for put in branch.output}
    return read.union(made, *(_names_in_branches(branch) for branch in branches))


def _fits(tensor: TensorProto) -> bool:
    # A vector of shape [1, n] too: segmentation-3.0's axis of time is one, and cost 1.2 points of DER in half precision.
    if tensor.data_type != TensorProto.FLOAT or sum(size > 1 for size in tensor.dims) < 2:
        return False
    return float(np.abs(numpy_helper.to_array(tensor)).max(initial=0.0)) <= LARGEST_HALF


def _widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that stores in float32 what `store_as_half` stored as float16."""
    halves = {tensor.name: tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT16}
    casts = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "Cast" and node.input[0] in halves}
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    kept = [node for node in whole.graph.node if node.op_type != "Cast" or node.input[0] not in casts]
    del whole.graph.node[:]
    whole.graph.node.extend(kept)
    for tensor in whole.graph.initializer:
        if tensor.name in casts:
            array = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(array, casts[tensor.name]))
    return whole


def _halve(tensor: TensorProto) -> onnx.NodeProto:
    """Turn an initialiser into float16 under a new name; returns the Cast that gives its old name in float32."""
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half"))
    return helper.make_node("Cast", [tensor.name], [name], f"{name}.float", to=TensorProto.FLOAT)
