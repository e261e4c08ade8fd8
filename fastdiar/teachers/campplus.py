"""CAM++ (Wang et al., arXiv 2303.00332) cut in two: a trunk that hears a chunk once, and a pooling for any stretch of it."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from fastdiar.core.types import Frames
from fastdiar.teachers.fbank import fbank_graph
from fastdiar.teachers.graphs import chain, parse

FRAMES = Frames(dim=512, hop=320, first=200)
EMBEDDING = 192
_TRUNK_END = "/xvector/out_nonlinear/relu/Relu_output_0"
_DENSE = "xvector.dense.linear.weight"
_MEAN, _VARIANCE = "xvector.dense.nonlinear.0.running_mean", "xvector.dense.nonlinear.0.running_var"
_BATCH_NORM_EPSILON = 1e-5

_FRONT = """
<ir_version: 8, opset_import: ["" : 17]>
front (float[batch, ticks, 80] features) => (float[batch, ticks, 80] centred)
{
    time_mean = ReduceMean <axes: ints = [1]> (features)
    centred = Sub (features, time_mean)
}
"""

_BACK = """
<ir_version: 8, opset_import: ["" : 17]>
back (float[batch, 512, steps] trunk) => (float[batch, steps, 512] frames)
{
    frames = Transpose <perm: ints = [0, 2, 1]> (trunk)
}
"""

# Mean and standard deviation of the frames under each row of weights; the deviation is the unbiased one, as in training.
_EMBED = """
<ir_version: 8, opset_import: ["" : 17]>
embed (float[batch, steps, 512] frames, float[batch, speakers, steps] weights) => (float[batch, speakers, 192] embedding)
{
    last = Constant <value_ints: ints = [-1]> ()
    one = Constant <value_float: float = 1.0> ()
    two = Constant <value_float: float = 2.0> ()
    tiny = Constant <value_float: float = 1e-10> ()
    raw_total = ReduceSum <keepdims: int = 1> (weights, last)
    total = Max (raw_total, two)
    centre = ReduceMean <axes: ints = [1]> (frames)
    centred = Sub (frames, centre)
    sums = MatMul (weights, centred)
    offset = Div (sums, total)
    mean = Add (offset, centre)
    squares = Mul (centred, centred)
    square_sums = MatMul (weights, squares)
    offset_square = Mul (offset, offset)
    offset_total = Mul (offset_square, total)
    scatter = Sub (square_sums, offset_total)
    degrees = Sub (total, one)
    raw_variance = Div (scatter, degrees)
    variance = Max (raw_variance, tiny)
    deviation = Sqrt (variance)
    statistics = Concat <axis: int = -1> (mean, deviation)
    dense = MatMul (statistics, dense_weight)
    vector = Add (dense, dense_bias)
    length = ReduceL2 <axes: ints = [-1], keepdims: int = 1> (vector)
    safe_length = Max (length, tiny)
    embedding = Div (vector, safe_length)
}
"""


def encode_graph(campplus: onnx.ModelProto) -> onnx.ModelProto:
    """`waveform [batch, samples]` at 16 kHz → `frames [batch, frames, 512]`, 20 ms a frame."""
    graph = fbank_graph()
    for part in (parse(_FRONT), _cut(campplus, "x", _TRUNK_END), parse(_BACK)):
        graph = chain(graph, part)
    return graph


def embed_graph(campplus: onnx.ModelProto) -> onnx.ModelProto:
    """`frames`, `weights [batch, speakers, frames]` → `embedding [batch, speakers, 192]` of unit length."""
    arrays = {item.name: numpy_helper.to_array(item) for item in campplus.graph.initializer}
    scale = 1 / np.sqrt(arrays[_VARIANCE] + _BATCH_NORM_EPSILON)
    return parse(_EMBED, dense_weight=(arrays[_DENSE][:, :, 0] * scale[:, None]).T, dense_bias=-arrays[_MEAN] * scale)


def _cut(model: onnx.ModelProto, start: str, end: str) -> onnx.ModelProto:
    model = onnx.shape_inference.infer_shapes(model)
    return onnx.utils.Extractor(model).extract_model([start], [end])
