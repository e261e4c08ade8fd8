"""A network as a model repository for NVIDIA's Triton Inference Server, beside the ONNX graphs it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
from attrs import field, validators
from torch import nn

from fastdiar.core.interfaces import Exporter
from fastdiar.core.onnx_graphs import Precision, Speech, write_graphs
from fastdiar.core.parity import Parity
from fastdiar.core.triton import write_repository

REPOSITORY = "triton"
"""The repository's folder in the bundle."""


@attrs.frozen
class TritonConfig:
    """`use = "triton"`: how the graphs are written, and how Triton joins requests."""

    precision: Precision = field(default="fp32", metadata={"help": "of the graphs, as for the exporter onnx"})
    prefix: str = field(
        default="",
        validator=validators.matches_re(r"[A-Za-z0-9_-]*"),
        metadata={"help": "what the models' names begin with, where a server has others of these names"},
    )
    batch: int = field(default=16, validator=validators.ge(1), metadata={"help": "clips that are computed at once, at most"})
    wait: float = field(default=2.0, validator=validators.ge(0), metadata={"help": "for others to join a batch (milliseconds)"})


class Triton(Exporter):
    """The folder `triton` with a model for each graph, run by Triton's onnxruntime backend, for any length of clip."""

    config_class = TritonConfig
    config: TritonConfig

    def export(self, network: nn.Module, folder: Path, metadata: Mapping[str, str], speech: Speech) -> dict[str, Parity]:
        """Write graphs and repository; returns how far each graph is from torch. Raises `ModelError`, `MissingExtra`."""
        parity = write_graphs(network, folder, metadata, self.config.precision, speech)
        write_repository(folder, folder / REPOSITORY, self.config.prefix, self.config.batch, self.config.wait)
        return parity
