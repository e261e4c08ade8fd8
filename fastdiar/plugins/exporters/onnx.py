"""A network as ONNX graphs, which run without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
from attrs import field
from torch import nn

from fastdiar.core.interfaces import Exporter
from fastdiar.core.onnx_graphs import Precision, Speech, write_graphs
from fastdiar.core.parity import Parity


@attrs.frozen
class OnnxConfig:
    """`use = "onnx"`: how the graphs are written."""

    precision: Precision = field(
        default="fp32",
        metadata={
            "help": "fp16 halves the files, the arithmetic stays fp32; int8 computes what it can in 8 bits, fitted to the data"
        },
    )


class Onnx(Exporter):
    """`encode.onnx`, `embed.onnx` and `classify.onnx`, each self-contained, for any batch size and length.

    The last two are written where a head has an embedding.
    """

    config_class = OnnxConfig
    config: OnnxConfig

    def export(self, network: nn.Module, folder: Path, metadata: Mapping[str, str], speech: Speech) -> dict[str, Parity]:
        """Write the graphs; returns how far each is from torch. Raises `ModelError` where one strays too far."""
        return write_graphs(network, folder, metadata, self.config.precision, speech)
