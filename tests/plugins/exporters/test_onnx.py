"""Exported graphs: what torch computes, at any length and batch size."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from fastdiar.core.errors import ModelError
from fastdiar.core.structure import StructureError, structure
from fastdiar.plugins.exporters.onnx import Onnx, OnnxConfig
from fastdiar.recipe import recipe_from_table
from fastdiar.training.checkpoint import load_run

GRAPHS = ("encode.onnx", "embed.onnx", "classify.onnx")


def run(path: Path, **inputs: torch.Tensor) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(path).run(None, {name: value.numpy() for name, value in inputs.items()})


SIZES = [(1, 0.02), (1, 1.7), (2, 0.4), (4, 6.3)]


@pytest.mark.parametrize(("clips", "seconds"), SIZES)
def test_each_graph_gives_what_torch_gives(trained: Path, bundle: Path, clips: int, seconds: float) -> None:
    network = load_run(trained)
    waveform, lengths = noise(clips, seconds)
    with torch.no_grad():
        frames, _ = network.encode(waveform, lengths)
        weights = torch.rand(clips, 2, frames.shape[1])
        embedding = network.embed(frames, weights)
        logits = network(waveform, lengths)["speaker"].logits
    found = run(bundle / "encode.onnx", waveform=waveform)[0]
    assert found.shape == frames.shape
    np.testing.assert_allclose(found, frames, atol=1e-3)
    np.testing.assert_allclose(run(bundle / "embed.onnx", frames=frames, weights=weights)[0], embedding, atol=1e-4)
    np.testing.assert_allclose(run(bundle / "classify.onnx", waveform=waveform)[0], logits, atol=1e-2)


def noise(clips: int, seconds: float) -> tuple[torch.Tensor, torch.Tensor]:
    samples = round(16_000 * seconds)
    return 0.1 * torch.randn(clips, samples, generator=torch.Generator().manual_seed(1)), torch.full((clips,), samples)


def test_graphs_stand_alone_tell_their_recipe_and_have_their_norms_folded(bundle: Path) -> None:
    assert {path.name for path in bundle.iterdir()} >= {*GRAPHS, "bundle.toml"}
    assert not list(bundle.glob("*.data"))
    for name in GRAPHS:
        model = onnx.load(bundle / name, load_external_data=False)
        assert not any(tensor.external_data for tensor in model.graph.initializer)
        assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
        properties = {entry.key: entry.value for entry in model.metadata_props}
        recipe = recipe_from_table(tomllib.loads(properties["fastdiar.recipe"]))
        assert recipe.encoder.use == "melrescnn" and recipe.encoder.config.stem_channels == 8
        assert properties["made.torch"] == torch.__version__.partition("+")[0]


@pytest.mark.parametrize(("clips", "seconds"), SIZES)
def test_eight_bits_leave_the_frames_in_place(trained: Path, eight_bits: Path, clips: int, seconds: float) -> None:
    network = load_run(trained)
    waveform, lengths = noise(clips, seconds)
    with torch.no_grad():
        frames, _ = network.encode(waveform, lengths)
    assert run(eight_bits / "encode.onnx", waveform=waveform)[0].shape == frames.shape


def test_front_end_pooling_and_last_layers_keep_their_precision(eight_bits: Path) -> None:
    encode, embed = (onnx.load(eight_bits / name) for name in ("encode.onnx", "embed.onnx"))
    kernels = {tensor.name: tensor for tensor in encode.graph.initializer if len(tensor.dims) > 2}
    assert {tensor.data_type for tensor in kernels.values()} == {onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8}
    assert "QuantizeLinear" not in {node.op_type for node in embed.graph.node}


class Stage(nn.Module):
    """Computes something else when it is exported."""

    def __init__(self, off: float) -> None:
        super().__init__()
        self.off = off

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x) + (self.off if torch.compiler.is_exporting() else 0.0)


class Cheat(nn.Module):
    """A network whose exported graph is not what torch runs, from its second stage on."""

    voice = turns = None

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict({"right": Stage(0.0), "wrong": Stage(1.0), "after": Stage(0.0)})

    def encode(self, waveform: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        for stage in self.encoder.values():
            waveform = stage(waveform)
        return waveform[..., None], lengths


def test_a_graph_that_strays_is_an_error_and_says_where(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"encode\.onnx: differs from torch by .*; the first stage that differs is encoder\.wrong,"
    ):
        Onnx(OnnxConfig()).export(Cheat(), tmp_path, {}, list)


class Unwritable(nn.Module):
    """A network with an operator that ONNX lacks."""

    voice = turns = None

    def encode(self, waveform: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.special.airy_ai(waveform)[..., None], lengths


def test_an_operator_that_onnx_lacks_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^encode\.onnx: the network cannot be written as ONNX: .*airy.*: nothing was"):
        Onnx(OnnxConfig()).export(Unwritable(), tmp_path, {}, list)
    assert list(tmp_path.iterdir()) == []


def test_a_precision_that_does_not_exist_is_refused() -> None:
    with pytest.raises(StructureError, match=r"precision.*int4"):
        structure({"precision": "int4"}, OnnxConfig)
