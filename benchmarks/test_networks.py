"""How long each recipe's network takes for a clip of 3 s: onnxruntime, one thread, one clip at a time, random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdiar import registry
from fastdiar.recipe import read_recipe

onnxruntime = pytest.importorskip("onnxruntime", reason="needs fastdiar[cpu]")
pytest.importorskip("torch", reason="needs fastdiar[train]")

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
CLASSES = tuple(f"id{number:05}" for number in range(5994))


@pytest.mark.parametrize("name", ["baseline", "enhanced", "fast", "fast-mel"])
def test_clip_to_embedding(name: str, benchmark: Any, tmp_path: Path) -> None:
    from fastdiar.network import build_network

    network = build_network(read_recipe(RECIPES / f"{name}.toml"), {"speaker": CLASSES})
    exporter = registry.lookup("exporter", "onnx")
    exporter(exporter.config_class()).export(network, tmp_path, {}, list)
    encode, embed = (one_thread(tmp_path / f"{graph}.onnx") for graph in ("encode", "embed"))
    clip = {"waveform": np.random.default_rng(0).normal(0, 0.1, (1, 48_000)).astype(np.float32)}

    def hear() -> Any:
        frames = encode.run(None, clip)[0]
        return embed.run(None, {"frames": frames, "weights": np.ones((1, 1, frames.shape[1]), np.float32)})

    benchmark.pedantic(hear, rounds=50, warmup_rounds=3)


def one_thread(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
