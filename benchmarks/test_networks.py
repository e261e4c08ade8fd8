"""How long each recipe's network takes for a clip of 3 s, waveform to embedding, by runtime, precision, batch and threads.
Weights are random: time does not depend on them. The same of others: `benchmarks/test_peers.py`.

`pytest benchmarks/test_networks.py --benchmark-json=networks.json`, then `python benchmarks/report.py networks.json`. On a busy
machine: `taskset -c 0`, and `--benchmark-timer=time.thread_time -k "not 1-2"`, which counts one thread's time. On a GPU alone:
`-k "cuda or tensorrt"`, with `fastdiar[train,gpu,tensorrt]`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from fastdiar.core.errors import MissingExtra
from fastdiar.core.types import RATE
from fastdiar.diarization.model import Model, find_model, shipped
from fastdiar.recipe import read_recipe

onnxruntime = pytest.importorskip("onnxruntime", reason="needs fastdiar[cpu]")
torch = pytest.importorskip("torch", reason="needs fastdiar[train]")

ROOT = Path(__file__).resolve().parents[1]
CLASSES = tuple(f"id{number:05}" for number in range(5994))
SECONDS, ROUNDS, WARM_UP = 3.0, 50, 3
Note = Callable[..., None]
LEAST_COSINE = {"fp32": 0.9999, "fp16": 0.999, "int8": 0.97}
LEAST_COSINE_ON_GPU = 0.999  # which rounds products of matrices to 10 bits
LARGEST_HALF = {"fast": 10.0, "enhanced": 20.0}
"""Megabytes of the largest graph in fp16, with its weights."""
CASES = [
    *((name, "onnxruntime", "fp32", 1, 1) for name in ("baseline", "enhanced", "fast", "fast-mel")),
    *((name, "onnxruntime", precision, 1, 1) for name in ("enhanced", "fast", "fast-mel") for precision in ("fp16", "int8")),
    *(
        ("fast", "onnxruntime", precision, batch, threads)
        for precision in ("fp32", "int8")
        for batch, threads in ((1, 2), (8, 1))
    ),
    *((name, "torch", "fp32", 1, 1) for name in ("fast", "fast-mel")),
    *(("fast", "openvino", precision, 1, threads) for precision in ("fp32", "int8") for threads in (1, 2)),
    *((name, runtime, "fp32", 1, 1) for name in ("enhanced", "fast") for runtime in ("cuda", "tensorrt")),
]


@pytest.mark.benchmark(group="clip of 3 s to its embedding")
@pytest.mark.parametrize(("name", "runtime", "precision", "batch", "threads"), CASES)
def test_clip_to_embedding(benchmark: Any, note: Note, name: str, runtime: str, precision: str, batch: int, threads: int) -> None:
    from fastdiar.network import cost

    if runtime in ON_GPU and not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA GPU, and there is none here")
    network, clips = built(name), noise(batch)
    hear = by_torch(network) if runtime == "torch" else RUNTIMES[runtime](exported(name, precision), threads)
    with torch.inference_mode():
        expected = by_torch(network)(clips)
        torch.set_num_threads(threads)
        found = benchmark.pedantic(hear, (clips,), rounds=ROUNDS, warmup_rounds=WARM_UP)
    cosines = (found * expected).sum(-1)
    least = LEAST_COSINE_ON_GPU if runtime in ON_GPU else LEAST_COSINE[precision]
    assert found.shape == (batch, network.embedding) and cosines.min() > least
    counted = cost(network, SECONDS)
    megabytes = max(path.stat().st_size for path in exported(name, precision).glob("*.onnx")) / 1e6
    assert precision != "fp16" or megabytes <= LARGEST_HALF.get(name, megabytes)
    size = {"precision": precision, "megabytes": megabytes}
    note(threads, counted.parameters, batch * counted.macs, runtime=runtime, batch=batch, **size)


@pytest.mark.benchmark(group="clip of 3 s to its embedding")
@pytest.mark.parametrize("model", shipped())
def test_models_that_ship(benchmark: Any, note: Note, model: str) -> None:
    """The voices' network of each bundle in the package; who is active is another's work."""
    voice = benchmark.pedantic(Model(find_model(model)).voice, (noise(1)[0],), rounds=ROUNDS, warmup_rounds=WARM_UP)
    assert np.linalg.norm(voice) == pytest.approx(1, abs=1e-3)
    note(1, precision="as it ships", runtime="onnxruntime", batch=1)


def noise(batch: int) -> np.ndarray:
    """`[batch, samples]`."""
    return np.random.default_rng(0).normal(0, 0.1, (batch, round(SECONDS * RATE))).astype(np.float32)


@cache
def built(name: str) -> Any:
    from fastdiar.network import build_network

    torch.manual_seed(0)
    return build_network(read_recipe(ROOT / "recipes" / f"{name}.toml"), {"speaker": CLASSES}).eval()


FOLDERS: list[TemporaryDirectory[str]] = []


@cache
def exported(name: str, precision: str) -> Path:
    from fastdiar.core.onnx_graphs import write_graphs

    FOLDERS.append(TemporaryDirectory())
    folder = Path(FOLDERS[-1].name)
    write_graphs(built(name), folder, {}, precision, lambda: [noise(1)[0], 0.3 * noise(2)[1]])  # type: ignore[arg-type]
    return folder


def by_torch(network: Any) -> Callable[[np.ndarray], np.ndarray]:
    def hear(clips: np.ndarray) -> np.ndarray:
        waveform = torch.from_numpy(clips)
        frames, _ = network.encode(waveform, torch.full((len(clips),), clips.shape[1]))
        return network.embed(frames, torch.ones(len(clips), 1, frames.shape[1]))[:, 0].numpy()

    return hear


def by_onnxruntime(folder: Path, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    encode, embed = (session((folder / f"{graph}.onnx").read_bytes(), threads) for graph in ("encode", "embed"))
    return by_graphs(lambda given: encode.run(None, given)[0], lambda given: embed.run(None, given)[0])


def by_openvino(folder: Path, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """The same files: OpenVINO reads ONNX. Without the hint it would compute fp32 graphs in bfloat16 where there is AMX."""
    openvino = pytest.importorskip("openvino", reason="needs fastdiar[bench]")
    hints = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
    encode, embed = (openvino.compile_model(folder / f"{graph}.onnx", "CPU", hints) for graph in ("encode", "embed"))
    return by_graphs(lambda given: encode(given)[0], lambda given: embed(given)[0])


def by_graphs(encode: Callable[..., np.ndarray], embed: Callable[..., np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    def hear(clips: np.ndarray) -> np.ndarray:
        frames = encode({"waveform": clips})
        return embed({"frames": frames, "weights": np.ones((len(clips), 1, frames.shape[1]), np.float32)})[:, 0]

    return hear


def by_cuda(folder: Path, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """onnxruntime on a GPU, with the copies there and back."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("needs fastdiar[gpu]")
    paths = (str(folder / f"{graph}.onnx") for graph in ("encode", "embed"))
    encode, embed = (onnxruntime.InferenceSession(path, providers=["CUDAExecutionProvider"]) for path in paths)
    return by_graphs(lambda given: encode.run(None, given)[0], lambda given: embed.run(None, given)[0])


def by_tensorrt(folder: Path, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """Engines for the GPU that is here and for one clip of this length, with the copies there and back."""
    from fastdiar.core.tensorrt_engines import Engine, build_engine, target

    try:
        built_for = target()
    except MissingExtra as error:
        pytest.skip(str(error))
    frames = session((folder / "encode.onnx").read_bytes(), threads).run(None, {"waveform": noise(1)})[0].shape
    sizes = {"waveform": noise(1).shape, "frames": frames, "weights": (1, 1, frames[1])}
    shapes = {name: (size, size, size) for name, size in sizes.items()}
    paths = (build_engine(folder / f"{graph}.onnx", built_for, shapes) for graph in ("encode", "embed"))
    encode, embed = (Engine(path, built_for) for path in paths)
    return by_graphs(lambda given: encode(**given)["frames"], lambda given: embed(**given)["embedding"])


RUNTIMES = {"onnxruntime": by_onnxruntime, "openvino": by_openvino, "cuda": by_cuda, "tensorrt": by_tensorrt}
ON_GPU = ("cuda", "tensorrt")


def session(graph: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Else the threads of one graph spin on while the next graph's wait for their core.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
