"""pyannote segmentation-3.0 (Plaquet and Bredin, Interspeech 2023) as an activity graph."""

from __future__ import annotations

import onnx

from fastdiar.core.bundle import Activity
from fastdiar.teachers.graphs import chain, parse

ACTIVITY = Activity(hop=270, first=495, speakers=3, at_once=2)

_FRONT = """
<ir_version: 8, opset_import: ["" : 17]>
front (float[batch, samples] waveform) => (float[batch, one, samples] signal)
{
    channel = Constant <value_ints: ints = [1]> ()
    signal = Unsqueeze (waveform, channel)
}
"""

_BACK = """
<ir_version: 8, opset_import: ["" : 17]>
back (float[batch, steps, 7] logarithms) => (float[batch, steps, 7] activity)
{
    activity = Exp (logarithms)
}
"""


def activity_graph(segmentation: onnx.ModelProto) -> onnx.ModelProto:
    """`waveform [batch, samples]` at 16 kHz → `activity [batch, frames, 7]`, powerset probabilities."""
    return chain(chain(parse(_FRONT), segmentation), parse(_BACK))
