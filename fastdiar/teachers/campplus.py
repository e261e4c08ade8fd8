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

_TRUNK_START = "/xvector/tdnn/nonlinear/relu/Relu_output_0"
SENSITIVE = ("/head/conv1/", "/head/conv2/", "/xvector/tdnn/", "/xvector/transit")
"""Layers that 8 bits cost most accuracy for the time they save: both ends of the head, and where the width changes."""

# A layer's gate looks at the mean of the recording plus that of a segment of 100 frames: it is the same for all of a segment.
_SEGMENTS = """
<ir_version: 8, opset_import: ["" : 17]>
segments (float[batch, channels, steps] heard) => (float[steps, parts] segment_means, float[parts, steps] segment_members)
{
    segment_zero = Constant <value_int: int = 0> ()
    segment_one = Constant <value_int: int = 1> ()
    segment_length = Constant <value_int: int = 100> ()
    segment_rest = Constant <value_int: int = 99> ()
    segment_first = Constant <value_ints: ints = [0]> ()
    segment_second = Constant <value_ints: ints = [1]> ()
    segment_shape = Shape <start: int = 2> (heard)
    segment_steps = Squeeze (segment_shape)
    segment_time = Range (segment_zero, segment_steps, segment_one)
    segment_of = Div (segment_time, segment_length)
    segment_column = Unsqueeze (segment_of, segment_second)
    segment_more = Add (segment_steps, segment_rest)
    segment_count = Div (segment_more, segment_length)
    segment_numbers = Range (segment_zero, segment_count, segment_one)
    segment_inside = Equal (segment_column, segment_numbers)
    segment_columns = Cast <to: int = 1> (segment_inside)
    segment_sizes = ReduceSum <keepdims: int = 1> (segment_columns, segment_first)
    segment_shares = Div (segment_columns, segment_sizes)
    segment_steps_float = Cast <to: int = 1> (segment_steps)
    segment_overall = Reciprocal (segment_steps_float)
    segment_means = Add (segment_shares, segment_overall)
    segment_members = Transpose (segment_columns)
}
"""

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
    for part in (parse(_FRONT), _cut(gated_by_segment(campplus), "x", _TRUNK_END), parse(_BACK)):
        graph = chain(graph, part)
    return graph


def quantizable(encode: onnx.ModelProto) -> list[str]:
    """The layers of `encode_graph` that 8 bits do little harm to, by node name."""
    weights = {tensor.name for tensor in encode.graph.initializer}
    convolutions = [node.name for node in encode.graph.node if node.op_type == "Conv" and node.input[1] in weights]
    gates = ("/cam_layer/linear1/", "/cam_layer/linear2/")  # of a few segments: nothing to save
    return [name for name in convolutions if not any(part in name for part in (*SENSITIVE, *gates))]


def gated_by_segment(campplus: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that computes each gate once a segment, where the original does so for every frame. It gives the same numbers."""
    model = onnx.ModelProto()
    model.CopyFrom(campplus)
    made = {name: node for node in campplus.graph.node for name in node.output}
    segments = parse(_SEGMENTS).graph.node
    del model.graph.node[:], model.graph.value_info[:]
    for node in campplus.graph.node:
        if node.name.endswith("/cam_layer/Add"):  # of the recording's mean and the segment's
            heard = made[node.input[0]].input[0]
            node = onnx.helper.make_node("MatMul", [heard, "segment_means"], node.output, node.name)
        elif node.name.endswith("/cam_layer/Mul_1"):
            local, gate = node.input
            model.graph.node.append(
                onnx.helper.make_node("MatMul", [gate, "segment_members"], [f"{gate}_frames"], f"{node.name}_gate")
            )
            node = onnx.helper.make_node("Mul", [local, f"{gate}_frames"], node.output, node.name)
        model.graph.node.append(node)
        if _TRUNK_START in node.output:
            for step in segments:
                step.input[:] = [_TRUNK_START if name == "heard" else name for name in step.input]
                model.graph.node.append(step)
    return model


def embed_graph(campplus: onnx.ModelProto) -> onnx.ModelProto:
    """`frames`, `weights [batch, speakers, frames]` → `embedding [batch, speakers, 192]` of unit length."""
    arrays = {item.name: numpy_helper.to_array(item) for item in campplus.graph.initializer}
    scale = 1 / np.sqrt(arrays[_VARIANCE] + _BATCH_NORM_EPSILON)
    return parse(_EMBED, dense_weight=(arrays[_DENSE][:, :, 0] * scale[:, None]).T, dense_bias=-arrays[_MEAN] * scale)


def _cut(model: onnx.ModelProto, start: str, end: str) -> onnx.ModelProto:
    model = onnx.shape_inference.infer_shapes(model)
    return onnx.utils.Extractor(model).extract_model([start], [end])
