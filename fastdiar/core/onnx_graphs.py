"""A network as ONNX graphs, each held against torch. Importing this imports torch and `onnx`."""

from __future__ import annotations

import io
import logging
import warnings
from ast import literal_eval
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np
import onnx
import torch
from onnxscript import optimizer
from torch import Tensor, nn
from torch.export import Dim

from fastdiar.core.bundle import ACTIVITY
from fastdiar.core.errors import ModelError
from fastdiar.core.onnx_files import difference, quantize, quantize_lstms, session, store_as_half, values
from fastdiar.core.parity import Parity
from fastdiar.core.types import RATE

Precision = Literal["fp32", "fp16", "int8"]
Speech = Callable[[], Sequence[np.ndarray]]
"""Reads clips of real speech, float32 `[samples]` each."""

OPSET = 20
LIMITS: dict[Precision, float] = {"fp32": 1e-3, "fp16": 2e-2, "int8": 0.5}
"""Largest difference from torch, as a share of the largest number that torch gives, or of 1 where that is less."""
LARGEST_FOLDED = 1 << 24
"""Bytes of a constant that is computed while exporting."""
CHECKED: tuple[tuple[int, float], ...] = ((1, 3.0), (1, 0.5), (3, 2.37), (2, 10.0), (1, 0.02))
"""Batches, of so many clips of so many seconds, on which a graph is held against torch: other sizes than it was traced with."""


def write_graphs(
    network: nn.Module, folder: Path, metadata: Mapping[str, str], precision: Precision, speech: Speech
) -> dict[str, Parity]:
    """Write `encode.onnx` and, where a head has an embedding, `embed.onnx` and `classify.onnx`, for any batch size and length.

    A network that says who is active and nothing else is one graph, `activity.onnx`.
    The clips of a batch are equally long: there is no padding, and no time spent on masking it.
    fp16 is how weights are stored: the arithmetic stays fp32. int8 has the encoder and temporal blocks compute with 8-bit
    numbers, fitted to `speech`, but for GRUs, norms, and the first and last layers; LSTMs do so anywhere. Returns each graph's
    distance from torch; raises `ModelError` where one strays too far or gives another number of frames.
    """
    network = network.cpu().eval()
    clips = [{"waveform": torch.from_numpy(clip)[None]} for clip in speech()] if precision == "int8" else []
    parity = {}
    for graph in _graphs(network):
        model, stages = _traced(graph)
        # Fitted to speech, 8 bits are held against torch on speech; lengths that differ are tried on noise all the same.
        heard = clips if "waveform" in graph.inputs[0] else []
        if heard:
            model = _in_eight_bits(model, heard)
        if precision != "fp32":
            model = store_as_half(model)
        onnx.helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model)
        onnx.save(model, folder / graph.file)
        parity[graph.file] = _parity(graph, model, stages, heard[:2])
        if not parity[graph.file].outputs <= LIMITS[precision]:
            raise ModelError(_strays(graph.file, parity[graph.file], LIMITS[precision]))
    return parity


def module_apart(
    module: nn.Module, outputs: Sequence[str], inputs: Sequence[Mapping[str, Tensor]], dynamic: Mapping[str, Mapping[int, Any]]
) -> float:
    """How far one module is from torch once it is an ONNX graph, on three or more `inputs` of other sizes, by their names.

    `dynamic` names the axes that may have any size. Raises `ModelError` where it cannot be written, or gives other shapes.
    """
    graph = _Graph("graph", module, tuple(outputs), [dict(each) for each in inputs], {k: dict(v) for k, v in dynamic.items()})
    running = session(_traced(graph)[0])
    return max(_outputs_apart(graph, running, each) for each in graph.inputs)


@attrs.frozen(eq=False)
class _Graph:
    """One file: the module behind it, its outputs, and for each clip batch that is checked its inputs by name."""

    file: str
    module: nn.Module
    outputs: tuple[str, ...]
    inputs: list[dict[str, Tensor]]
    dynamic: dict[str, dict[int, Any]]


class _Question(nn.Module):
    """One of the things that a network is asked, as a module of its own."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network


class _Encode(_Question):
    def forward(self, waveform: Tensor) -> tuple[Tensor, ...]:
        frames, lengths = self.network.encode(waveform, _whole(waveform))
        return (frames,) if self.network.turns is None else (frames, self.network.active(frames, lengths))


class _Activity(_Question):
    def forward(self, waveform: Tensor) -> Tensor:
        active: Tensor = self.network.active(*self.network.encode(waveform, _whole(waveform)))
        return active


class _Embed(_Question):
    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        embedding: Tensor = self.network.embed(frames, weights)
        return embedding


class _Classify(_Question):
    def forward(self, waveform: Tensor) -> Tensor:
        logits: Tensor = self.network(waveform, _whole(waveform))[self.network.voice].logits
        return logits


def _whole(waveform: Tensor) -> Tensor:
    """Lengths `[batch]` of clips that fill their batch."""
    return torch.full((waveform.shape[0],), waveform.shape[1], dtype=torch.int64)


def _graphs(network: Any) -> Iterator[_Graph]:
    clips = [_noise(number, seconds) for number, seconds in CHECKED]
    heard = {"waveform": {0: Dim("batch"), 1: Dim("samples")}}
    if network.voice is None and network.turns is not None:
        yield _Graph(ACTIVITY, _Activity(network), ("activity",), clips, heard)
        return
    outputs = ("frames",) if network.turns is None else ("frames", "activity")
    yield _Graph("encode.onnx", _Encode(network), outputs, clips, heard)
    if network.voice is None:
        return
    with torch.no_grad():
        frames = [network.encode(clip["waveform"], _whole(clip["waveform"]))[0] for clip in clips]
    voices = [{"frames": each, "weights": _weights(each, speakers)} for speakers, each in enumerate(frames, start=1)]
    pooled = {"frames": {0: Dim("batch"), 1: Dim("frames")}, "weights": {0: Dim("batch"), 1: Dim("speakers"), 2: Dim("frames")}}
    yield _Graph("embed.onnx", _Embed(network), ("embedding",), voices, pooled)
    if network.heads[network.voice].classifies:
        yield _Graph("classify.onnx", _Classify(network), ("logits",), clips, heard)


def _noise(number: int, seconds: float) -> dict[str, Tensor]:
    """Clips of noise: `waveform [batch, samples]`."""
    generator = torch.Generator().manual_seed(number)
    return {"waveform": 0.1 * torch.randn(number, round(seconds * RATE), generator=generator)}


def _as_arrays(inputs: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in inputs.items()}


def _weights(frames: Tensor, speakers: int) -> Tensor:
    """Weights 0…1 `[batch, speakers, frames]`."""
    generator = torch.Generator().manual_seed(speakers)
    return torch.rand(len(frames), speakers, frames.shape[1], generator=generator)


def _traced(graph: _Graph) -> tuple[onnx.ModelProto, dict[str, str]]:
    """The module as an ONNX graph with its BatchNorms folded into the convolutions before them, and which tensor of it each of
    the network's modules ends with, by the module's name."""
    # Traced with two clips and voices: a size of one would be taken for a constant.
    example = {name: torch.cat((value, value)) for name, value in graph.inputs[2].items()}
    with _quiet(), torch.no_grad(), _telling(graph.file):
        program: Any = torch.onnx.export(
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
        # Recurrent layers' weights are put in order as the graph is traced; torch itself leaves what is large unfolded.
        optimizer.fold_constants(program.model, input_size_limit=LARGEST_FOLDED, output_size_limit=LARGEST_FOLDED)
        optimizer.remove_unused_nodes(program.model)
    model = program.model_proto
    stages = {}
    for node in model.graph.node:
        scope = _scope(node)
        if scope:
            stages[scope] = node.output[0]
            node.name = f"{scope}/{node.name}"
    # torch notes on every node where in its user's folders the code stood: nobody's business, and half of a small file.
    for noted in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        del noted.metadata_props[:]
    for output in model.graph.output:
        for size in output.type.tensor_type.shape.dim:
            if not (size.dim_value or size.dim_param.isidentifier()):
                size.dim_param = "frames"  # where torch writes out how their number follows from that of the samples
    return model, stages


@contextmanager
def _telling(file: str) -> Iterator[None]:
    """What torch cannot put into ONNX, such as an operator that it lacks, in one line."""
    try:
        yield
    except torch.onnx.OnnxExporterError as error:
        causes: list[BaseException] = [error]
        while causes[-1].__cause__ is not None:
            causes.append(causes[-1].__cause__)
        reason = str(causes[-1]).strip().splitlines()[0]
        raise ModelError(f"{file}: the network cannot be written as ONNX: {reason}: nothing was exported") from None


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


def _scope(node: onnx.NodeProto) -> str:
    """The module of the network that a node was traced from, as torch notes it; "" where it does not."""
    notes = {note.key: note.value for note in node.metadata_props}
    scopes = literal_eval(notes.get("pkg.torch.onnx.name_scopes", "[]"))
    return scopes[-2] if len(scopes) > 1 and scopes[-2].startswith("network.") else ""


def _in_eight_bits(model: onnx.ModelProto, clips: Sequence[dict[str, Tensor]]) -> onnx.ModelProto:
    layers = _quantizable(model)
    if layers:
        model = quantize(model, layers, [_as_arrays(clip) for clip in clips])
    return quantize_lstms(model) if any(node.op_type == "LSTM" for node in model.graph.node) else model


def _quantizable(model: onnx.ModelProto) -> list[str]:
    """Convolutions and products with weights in the encoder and temporal blocks, by node name, without the first and the last.

    What listens to the one channel of a waveform is the front end, and stays whole too.
    """
    sizes = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    blocks = [node for node in model.graph.node if node.name.startswith(("network.encoder", "network.temporal"))]
    learnt = [
        node.name
        for node in blocks
        if (node.op_type == "Conv" and sizes.get(node.input[1], (0, 1))[1] > 1)
        or (node.op_type == "MatMul" and node.input[1] in sizes and not node.name.startswith("network.encoder.mel"))
    ]
    return learnt[1:-1]


def _parity(graph: _Graph, model: onnx.ModelProto, stages: Mapping[str, str], speech: Sequence[dict[str, Tensor]]) -> Parity:
    """How far the graph is from torch over all checks, or over `speech` where there is any; its stages on one clip."""
    running = session(model)
    checked = [*graph.inputs, *speech]
    apart = [_outputs_apart(graph, running, inputs) for inputs in checked]
    if speech:
        return Parity(max(apart[-len(speech) :]), _stages_apart(graph, model, stages, checked[-1]))
    return Parity(max(apart), _stages_apart(graph, model, stages, checked[0]))


def _outputs_apart(graph: _Graph, running: Any, inputs: Mapping[str, Tensor]) -> float:
    """The largest difference of an output; shapes must be equal: with a frame more or less, every turn would move."""
    with torch.no_grad():
        expected = graph.module(**inputs)
    worst = 0.0
    found = running.run(list(graph.outputs), _as_arrays(inputs))
    for name, mine, other in zip(graph.outputs, found, expected if isinstance(expected, tuple) else (expected,), strict=True):
        if mine.shape != other.shape:
            shapes = f"{list(mine.shape)} instead of {list(other.shape)}"
            raise ModelError(f"{graph.file}: {name}: is not what torch gives ({shapes}): nothing was exported")
        worst = max(worst, difference(mine, other.numpy()))
    return worst


def _stages_apart(
    graph: _Graph, model: onnx.ModelProto, stages: Mapping[str, str], inputs: Mapping[str, Tensor]
) -> dict[str, float]:
    """The difference of what each module of the network gives, in the order they finish."""
    expected: dict[str, Tensor] = {}

    def keeper(name: str) -> Callable[..., None]:
        def keep(module: nn.Module, given: Any, output: Any) -> None:
            first = output[0] if isinstance(output, tuple) else output
            if isinstance(first, Tensor):
                expected[name] = first

        return keep

    handles = [module.register_forward_hook(keeper(name)) for name, module in graph.module.named_modules() if name in stages]
    with torch.no_grad():
        graph.module(**inputs)
    for handle in handles:
        handle.remove()
    found = values(model, [stages[name] for name in expected], _as_arrays(inputs))
    pairs = {name.removeprefix("network."): (found[stages[name]], other.numpy()) for name, other in expected.items()}
    return {name: difference(mine, other) for name, (mine, other) in pairs.items() if mine.shape == other.shape}


def _strays(file: str, parity: Parity, limit: float) -> str:
    stage = parity.first_apart(limit)
    where = "" if stage is None else f"; the first stage that differs is {stage}, by {parity.stages[stage]:.2g}"
    return f"{file}: differs from torch by {parity.outputs:.2g}, more than {limit:.2g}: nothing was exported{where}"
