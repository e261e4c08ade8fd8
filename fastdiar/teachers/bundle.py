"""Two published networks, put together as a model that diarizes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np
import onnx

from fastdiar import registry
from fastdiar.core.audio import clips_of
from fastdiar.core.bundle import ACTIVITY, BACKEND, Activity, Bundle, read_bundle, write_bundle
from fastdiar.core.errors import ModelError
from fastdiar.core.files import replacing, write_text
from fastdiar.core.onnx_files import difference, metadata_of, quantize, read_graph, shorten_names, store_as_half, values
from fastdiar.core.parity import Parity
from fastdiar.core.structure import unstructure
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE
from fastdiar.diarization.model import Model
from fastdiar.evaluation.evaluation import read_test
from fastdiar.evaluation.gate import REPORT, Gate, compare
from fastdiar.teachers import campplus, segmentation

Precision = Literal["fp16", "int8"]
CLIPS, CLIP_SECONDS = 24, 7.5
"""What 8 bits are fitted to: so many clips, as long as what the walk gives the encoder."""
CHECKED_SECONDS = (0.3, 3.0)
LAYERS = ("Conv", "MatMul", "LSTM")


def make_bundle(
    segmentation_file: Path,
    embedding_file: Path,
    folder: Path,
    precision: Precision = "fp16",
    speech: Path | None = None,
    gate: Path | None = None,
    backend: Path | None = None,
) -> tuple[Bundle, Gate]:
    """Write a bundle whose activity is segmentation-3.0's and whose voices are CAM++'s.

    `segmentation_file` may be the folder of a model, too, whose activity graph then comes along. Weights are stored in half
    precision; with "int8" most of CAM++ works with 8-bit numbers, fitted to the recordings in the folder `speech`. `backend` is
    the PLDA of a model of the same networks. What is written must diarize the recordings with RTTM files in the folder `gate` as
    the networks do. Raises `ModelError` where a file is not what it should be, or too much is lost: then nothing is written.
    """
    if precision == "int8" and speech is None:
        raise ModelError("int8 is fitted to speech: give a folder of recordings with --calibrate")
    activity, activity_graph = _active(segmentation_file)
    embedding_graph = _read(embedding_file, "framework", "3d-speaker")
    graphs = {
        ACTIVITY: activity_graph,
        "encode.onnx": campplus.encode_graph(embedding_graph),
        "embed.onnx": campplus.embed_graph(embedding_graph),
    }
    made = {package: version(package) for package in ("fastdiar", "onnx", "onnxruntime")}
    bundle = Bundle(folder.name, campplus.FRAMES, activity, campplus.EMBEDDING, made=made)
    bundle = attrs.evolve(bundle, diarization=default_diarization())
    with tempfile.TemporaryDirectory() as temporary:
        whole, small = Path(temporary) / "whole", Path(temporary) / "small"
        _write(whole, graphs, bundle, backend)
        shrunk = {name: store_as_half(graph) for name, graph in _quantized(graphs, precision, speech).items()}
        parity = {name: _parity(graphs[name], graph) for name, graph in shrunk.items()}
        _write(small, {name: shorten_names(graph) for name, graph in shrunk.items()}, bundle, backend)
        comparison = None if gate is None else compare(Model(whole), Model(small), read_test(gate))
        found = Gate(precision, parity, comparison)
        found.check()
        (folder / BACKEND).unlink(missing_ok=True)  # fitted to other vectors
        for made_file in (*graphs, *([BACKEND] if backend else [])):
            with replacing(folder / made_file) as beside:
                shutil.copyfile(small / made_file, beside)
    write_text(folder / REPORT, found.to_json())
    return write_bundle(folder, bundle), found


def default_diarization() -> dict[str, Any]:
    """Every setting of the walk and of its clustering, so that a model does not change when defaults do."""
    clustering = registry.lookup("clustering", "variational").config_class()
    return {**unstructure(WalkSettings()), "cluster": {"use": "variational", **unstructure(clustering)}}


def _write(folder: Path, graphs: Mapping[str, onnx.ModelProto], bundle: Bundle, backend: Path | None) -> None:
    folder.mkdir()
    if backend is not None:
        if not backend.is_file():
            raise ModelError(f"{backend}: no such file: expected the {BACKEND} of a model, as fastdiar backend writes it")
        shutil.copyfile(backend, folder / BACKEND)
    for name, graph in graphs.items():
        (folder / name).write_bytes(graph.SerializeToString())
    write_bundle(folder, bundle)


def _quantized(graphs: Mapping[str, onnx.ModelProto], precision: Precision, speech: Path | None) -> dict[str, onnx.ModelProto]:
    """The graphs, with the encoder's layers in 8 bits where that is asked for."""
    if precision != "int8" or speech is None:
        return dict(graphs)
    encode = graphs["encode.onnx"]
    clips = [{"waveform": clip[None]} for clip in clips_of(speech, CLIPS, CLIP_SECONDS)]
    return {**graphs, "encode.onnx": quantize(encode, campplus.quantizable(encode), clips)}


def _parity(graph: onnx.ModelProto, shrunk: onnx.ModelProto) -> Parity:
    """How far a graph that was shrunk is from what it was: its output, and its layers in order."""
    kept = {name for node in shrunk.graph.node for name in node.output}
    layers = {node.output[0]: node.name for node in graph.graph.node if node.op_type in LAYERS and node.output[0] in kept}
    random, worst = np.random.default_rng(0), dict.fromkeys((*layers, graph.graph.output[0].name), 0.0)
    for seconds in CHECKED_SECONDS:
        inputs = _noise(graph, round(seconds * RATE), random)
        expected, found = (values(each, list(worst), inputs) for each in (graph, shrunk))
        for name, before in worst.items():
            worst[name] = max(before, difference(found[name], expected[name]))
    return Parity(worst.pop(graph.graph.output[0].name), {layers[name]: apart for name, apart in worst.items()})


def _noise(graph: onnx.ModelProto, samples: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Something to hear for a graph of a bundle: a waveform, or frames and their weights."""
    if graph.graph.input[0].name == "waveform":
        return {"waveform": random.normal(0, 0.1, (1, samples)).astype(np.float32)}
    count = round(samples / campplus.FRAMES.hop)
    frames, weights = random.random((1, count, campplus.FRAMES.dim)), random.random((1, 3, count))
    return {"frames": frames.astype(np.float32), "weights": weights.astype(np.float32)}


def _active(path: Path) -> tuple[Activity, onnx.ModelProto]:
    """The frames of who is active, and their graph: of a model, or of segmentation-3.0 as it was published."""
    if not path.is_dir():
        published = _read(path, "model_type", "pyannote-segmentation-3.0")
        return segmentation.ACTIVITY, segmentation.activity_graph(published)
    model = read_bundle(path)
    if model.activity is None or ACTIVITY not in model.files:
        raise ModelError(f"{path}: has no {ACTIVITY}")
    return model.activity, read_graph(path / ACTIVITY)


def _read(path: Path, key: str, value: str) -> onnx.ModelProto:
    model = read_graph(path)
    found = metadata_of(model).get(key)
    if found != value:
        raise ModelError(f"{path}: expected a network whose metadata says {key} = {value}, got {found or 'none'}")
    return model
