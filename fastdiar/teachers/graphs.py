"""ONNX graphs from text, and joined end to end."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper


def parse(text: str, **arrays: np.ndarray) -> onnx.ModelProto:
    """A graph written in ONNX's text form, with `arrays` as its float32 initialisers."""
    model = onnx.parser.parse_model(text)
    for name, array in arrays.items():
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
    return model


def chain(first: onnx.ModelProto, second: onnx.ModelProto) -> onnx.ModelProto:
    """`second` fed by `first`: the first's one output becomes the second's one input. They share no names of tensors."""
    model = onnx.compose.merge_models(first, second, io_map=[(first.graph.output[0].name, second.graph.input[0].name)])
    del model.opset_import[1:]  # of one domain, once for each part
    return model
