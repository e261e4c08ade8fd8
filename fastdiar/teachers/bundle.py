"""Two published networks, put together as a model that diarizes."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import onnx
from google.protobuf.message import DecodeError

from fastdiar import registry
from fastdiar.core.bundle import BACKEND, Bundle, write_bundle
from fastdiar.core.errors import ModelError
from fastdiar.core.files import replacing
from fastdiar.core.onnx_files import shorten_names, store_as_half
from fastdiar.core.structure import unstructure
from fastdiar.core.tables import WalkSettings
from fastdiar.teachers import campplus, segmentation


def make_bundle(segmentation_file: Path, embedding_file: Path, folder: Path) -> Bundle:
    """Write a bundle whose activity is segmentation-3.0's and whose voices are CAM++'s, weights stored in half precision.

    Raises `ModelError` where a file is not the network it should be.
    """
    segmentation_graph = _read(segmentation_file, "model_type", "pyannote-segmentation-3.0")
    embedding_graph = _read(embedding_file, "framework", "3d-speaker")
    graphs = {
        "activity.onnx": segmentation.activity_graph(segmentation_graph),
        "encode.onnx": campplus.encode_graph(embedding_graph),
        "embed.onnx": campplus.embed_graph(embedding_graph),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, graph in graphs.items():
        with replacing(folder / name) as beside:
            beside.write_bytes(shorten_names(store_as_half(graph)).SerializeToString())
    made = {package: version(package) for package in ("fastdiar", "onnx")}
    bundle = Bundle(folder.name, campplus.FRAMES, segmentation.ACTIVITY, campplus.EMBEDDING, made=made)
    bundle = attrs.evolve(bundle, diarization=default_diarization())
    (folder / BACKEND).unlink(missing_ok=True)  # fitted to other vectors
    return write_bundle(folder, bundle)


def default_diarization() -> dict[str, Any]:
    """Every setting of the walk and of its clustering, so that a model does not change when defaults do."""
    clustering = registry.lookup("clustering", "variational").config_class()
    return {**unstructure(WalkSettings()), "cluster": {"use": "variational", **unstructure(clustering)}}


def _read(path: Path, key: str, value: str) -> onnx.ModelProto:
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except DecodeError:
        raise ModelError(f"{path}: not an ONNX file") from None
    found = {entry.key: entry.value for entry in model.metadata_props}.get(key)
    if found != value:
        raise ModelError(f"{path}: expected a network whose metadata says {key} = {value}, got {found or 'none'}")
    return model
