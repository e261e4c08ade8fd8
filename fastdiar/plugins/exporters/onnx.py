"""A network as ONNX graphs, which run without torch."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np
import onnx
import torch
from attrs import field
from torch import Tensor, nn
from torch.export import Dim

from fastdiar.core.errors import ModelError, needs
from fastdiar.core.interfaces import Exporter
from fastdiar.core.onnx_files import store_as_half
from fastdiar.core.types import RATE

OPSET = 20
LIMITS = {"fp32": 1e-3, "fp16": 2e-2}
"""Largest difference from torch, as a share of the largest number that torch gives, or of 1 where that is less."""
CHECKED_SECONDS: tuple[tuple[float, ...], ...] = ((3.0,), (0.5,), (1.0, 4.1, 2.37), (10.0, 0.2))
"""Batches of clips on which a graph is held against torch: other lengths and sizes than it was traced with."""


@attrs.frozen
class OnnxConfig:
    """`use = "onnx"`: how the graphs are written."""

    precision: Literal["fp32", "fp16"] = field(
        default="fp32", metadata={"help": "of the stored weights; fp16 halves the file, the arithmetic stays fp32"}
    )


class Onnx(Exporter):
    """`encode.onnx`, `embed.onnx` and `classify.onnx`, each self-contained, for any batch size and length.

    The last two are written where a head has an embedding.
    """

    config_class = OnnxConfig
    config: OnnxConfig

    def export(self, network: nn.Module, folder: Path, metadata: Mapping[str, str]) -> dict[str, float]:
        """Write the graphs; returns each one's difference from torch. Raises `ModelError` where one strays too far."""
        network = network.cpu().eval()
        differences = {}
        for graph in _graphs(network):
            model = _traced(graph)
            if self.config.precision == "fp16":
                model = store_as_half(model)
            onnx.helper.set_model_props(model, dict(metadata))
            onnx.checker.check_model(model)
            onnx.save(model, folder / graph.file)
            differences[graph.file] = _difference(graph, folder / graph.file, LIMITS[self.config.precision])
        return differences


@attrs.frozen(eq=False)
class _Graph:
    """One file: the module behind it, its outputs, and for each clip batch that is checked its inputs by name."""

    file: str
    module: nn.Module
    outputs: tuple[str, ...]
    inputs: list[dict[str, Tensor]]
    dynamic: dict[str, dict[int, Any]]


class _Encode(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        frames, frame_lengths = self.network.encode(waveform, lengths)
        if self.network.turns is None:
            return frames, frame_lengths
        return frames, frame_lengths, self.network.active(frames, frame_lengths)


class _Embed(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        return self.network.embed(frames, weights)


class _Classify(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        return self.network(waveform, lengths)[self.network.voice].logits


def _graphs(network: Any) -> Iterator[_Graph]:
    clips = [_noise(seconds) for seconds in CHECKED_SECONDS]
    heard = {"waveform": {0: Dim("batch"), 1: Dim("samples")}, "lengths": {0: Dim("batch")}}
    outputs = ("frames", "frame_lengths") if network.turns is None else ("frames", "frame_lengths", "activity")
    yield _Graph("encode.onnx", _Encode(network), outputs, clips, heard)
    if network.voice is None:
        return
    with torch.no_grad():
        frames = [network.encode(**clip)[0] for clip in clips]
    voices = [{"frames": each, "weights": _weights(each, speakers)} for speakers, each in enumerate(frames, start=1)]
    pooled = {"frames": {0: Dim("batch"), 1: Dim("frames")}, "weights": {0: Dim("batch"), 1: Dim("speakers"), 2: Dim("frames")}}
    yield _Graph("embed.onnx", _Embed(network), ("embedding",), voices, pooled)
    yield _Graph("classify.onnx", _Classify(network), ("logits",), clips, heard)


def _noise(seconds: tuple[float, ...]) -> dict[str, Tensor]:
    """Clips of noise, zero-padded to the longest: `waveform [batch, samples]`, `lengths [batch]`."""
    generator = torch.Generator().manual_seed(len(seconds))
    lengths = torch.tensor([round(each * RATE) for each in seconds])
    waveform = 0.1 * torch.randn(len(seconds), int(lengths.max()), generator=generator)
    return {"waveform": waveform * (torch.arange(waveform.shape[1]) < lengths[:, None]), "lengths": lengths}


def _weights(frames: Tensor, speakers: int) -> Tensor:
    """Weights 0…1 `[batch, speakers, frames]`."""
    generator = torch.Generator().manual_seed(speakers)
    return torch.rand(len(frames), speakers, frames.shape[1], generator=generator)


def _traced(graph: _Graph) -> onnx.ModelProto:
    """The module as an ONNX graph with its BatchNorms folded into the convolutions before them."""
    # Traced with two clips and voices: a size of one would be taken for a constant.
    example = {name: torch.cat((value, value)) for name, value in graph.inputs[2].items()}
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            graph.module,
            kwargs=example,
            input_names=list(example),
            output_names=list(graph.outputs),
            dynamic_shapes=graph.dynamic,
            opset_version=OPSET,
            dynamo=True,
            optimize=True,
            external_data=False,
            verbose=False,
        )
    model = program.model_proto
    # torch notes on every node where in its user's folders the code stood: nobody's business, and half of a small file.
    for noted in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        del noted.metadata_props[:]
    for output in model.graph.output:
        for size in output.type.tensor_type.shape.dim:
            if not (size.dim_value or size.dim_param.isidentifier()):
                size.dim_param = "frames"  # where torch writes out how their number follows from that of the samples
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's remarks on what it does not export back: what matters is checked afterwards."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _difference(graph: _Graph, path: Path, limit: float) -> float:
    """The graph's largest difference from torch over all checks; raises `ModelError` where it is over the limit."""
    with needs("cpu", "checking exported graphs"):
        import onnxruntime
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    for inputs in graph.inputs:
        with torch.no_grad():
            expected = graph.module(**inputs)
        found = session.run(list(graph.outputs), {name: value.numpy() for name, value in inputs.items()})
        for name, mine, other in zip(graph.outputs, found, expected if isinstance(expected, tuple) else (expected,), strict=True):
            worst = max(worst, _compared(f"{path.name}: {name}", mine, other.numpy()))
    if not worst <= limit:
        raise ModelError(f"{path.name}: differs from torch by {worst:.2g}, more than {limit:.2g}: nothing was exported")
    return worst


def _compared(name: str, found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference; shapes and whole numbers (lengths) must be equal."""
    if found.shape != expected.shape or (expected.dtype.kind == "i" and not np.array_equal(found, expected)):
        shapes = f"{list(found.shape)} instead of {list(expected.shape)}"
        raise ModelError(f"{name}: is not what torch gives ({shapes}): nothing was exported")
    return float(np.abs(found - expected).max(initial=0.0) / max(1.0, np.abs(expected).max(initial=0.0)))
