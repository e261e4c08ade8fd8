"""pyannote segmentation-3.0 (Plaquet and Bredin, Interspeech 2023) as an activity graph."""

from __future__ import annotations

import onnx

from fastdiar.core.bundle import Activity

ACTIVITY = Activity(hop=270, first=495, speakers=3, at_once=2)

_FRONT = """
<ir_version: 8, opset_import: ["" : 17]>
front (float[batch, samples] waveform) => (float[batch, one, samples] x)
{
    channel = Constant <value_ints: ints = [1]> ()
    x = Unsqueeze (waveform, channel)
}
"""

_BACK = """
<ir_version: 8, opset_import: ["" : 17]>
back (float[batch, steps, 7] y) => (float[batch, steps, 7] activity)
{
    activity = Exp (y)
}
"""


def activity_graph(segmentation: onnx.ModelProto) -> onnx.ModelProto:
    """`waveform [batch, samples]` at 16 kHz → `activity [batch, frames, 7]`, powerset probabilities."""
    body = onnx.compose.add_prefix(segmentation, "body/")
    joined = onnx.compose.merge_models(onnx.parser.parse_model(_FRONT), body, io_map=[("x", "body/x")])
    return onnx.compose.merge_models(joined, onnx.parser.parse_model(_BACK), io_map=[("body/y", "y")])
