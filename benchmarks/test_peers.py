"""How long others take for a clip of 3 s, beside the networks of `benchmarks/test_networks.py`: one table.

`pytest benchmarks/test_networks.py benchmarks/test_peers.py --benchmark-json=networks.json`, then
`python benchmarks/report.py networks.json`. What `python benchmarks/peers/install.py` has installed runs in processes of its own
environments; CAM++ and segmentation-3.0 are read from `../shared/teachers`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="needs fastdiar[cpu]")
torch = pytest.importorskip("torch", reason="needs fastdiar[train]")

from graphs import arithmetic, parameters  # noqa: E402 - where there is onnxruntime
from install import python_of  # noqa: E402
from test_networks import FOLDERS, ROOT, ROUNDS, SECONDS, WARM_UP, noise, session  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402
from voices import MODELS, VOICES, running  # noqa: E402

from fastdiar.core import audio  # noqa: E402

Note = Callable[..., None]


@pytest.mark.benchmark(group="clip of 3 s to its embedding")
@pytest.mark.parametrize(
    "peer", ["wav2vec2-base torch", "wav2vec2-base onnxruntime", "CAM++ onnxruntime", "segmentation-3.0 onnxruntime"]
)
def test_peers(benchmark: Any, note: Note, peer: str) -> None:
    name, runtime = peer.split()
    hear, size, macs, least = PEERS[name](runtime)
    torch.set_num_threads(1)
    with torch.inference_mode():
        found = benchmark.pedantic(hear, (noise(1),), rounds=10 if "wav2vec2" in peer else ROUNDS, warmup_rounds=WARM_UP)
    assert np.isfinite(found).all() and found.size >= least
    note(1, size, macs, precision="fp32", runtime=runtime, batch=1)


@pytest.mark.benchmark(group="clip of 3 s to its embedding")
@pytest.mark.parametrize("peer", VOICES)
def test_peers_of_their_own(benchmark: Any, note: Note, request: pytest.FixtureRequest, peer: str) -> None:
    """By the clock of their process: handing a clip over is not their time. Speech, for some leave silence out."""
    if not python_of(peer).is_file():
        pytest.skip(f"needs python benchmarks/peers/install.py {peer}")
    if peer == "sherpa":
        teacher("campplus_192.onnx")
    clock = request.config.getoption("benchmark_timer").removeprefix("time.")
    with running(peer, clock) as other:
        vector = benchmark.pedantic(other.voice, (speech(),), rounds=ROUNDS, warmup_rounds=WARM_UP)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)
    note(1, taken=other.taken[WARM_UP:], precision="fp32", runtime=VOICES[peer], batch=1)


def speech() -> np.ndarray:
    """`[samples]` of the dialogue that ships."""
    return audio.read(ROOT / "examples" / "dialogue.flac", 0.0, SECONDS)


Peer = tuple[Callable[[np.ndarray], np.ndarray], int, int, int]
"""What hears a clip, its parameters, its multiplications with additions, and how many numbers it gives at least."""


def wav2vec2(runtime: str) -> Peer:
    """`facebook/wav2vec2-base`'s network with random weights."""
    torchaudio = pytest.importorskip("torchaudio")
    network = torchaudio.models.wav2vec2_base().eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.from_numpy(noise(1)))
    size = sum(each.numel() for each in network.parameters())
    counted = (size, counter.get_total_flops() // 2, 768 * 140)
    if runtime == "torch":
        return (lambda clips: network(torch.from_numpy(clips))[0].numpy()), *counted
    FOLDERS.append(TemporaryDirectory())
    path = Path(FOLDERS[-1].name) / "wav2vec2.onnx"
    torch.onnx.export(network, (torch.from_numpy(noise(1)),), path, input_names=["waveform"], dynamo=True, verbose=False)
    graph = session(path, 1)  # by its path: its weights lie beside it
    return (lambda clips: graph.run(None, {"waveform": clips})[0]), *counted


def campplus(runtime: str) -> Peer:
    """CAM++ as published, with its filterbank as a graph before it."""
    from fastdiar.teachers.campplus import EMBEDDING
    from fastdiar.teachers.fbank import fbank_graph

    graphs = [fbank_graph().SerializeToString(), teacher("campplus_192.onnx").read_bytes()]
    features, network = (session(graph, 1) for graph in graphs)

    def energies(clips: np.ndarray) -> np.ndarray:
        found = features.run(None, {"waveform": clips})[0]
        return found - found.mean(axis=1, keepdims=True)

    given = ({"waveform": noise(1)}, {"x": energies(noise(1))})
    macs = sum(arithmetic(graph, inputs) for graph, inputs in zip(graphs, given, strict=True))
    return (lambda clips: network.run(None, {"x": energies(clips)})[0]), parameters(graphs[1]), macs, EMBEDDING


def segmentation(runtime: str) -> Peer:
    """pyannote segmentation-3.0: it says who is active, and gives no embedding."""
    graph = teacher("segmentation_3.onnx").read_bytes()
    network, macs = session(graph, 1), arithmetic(graph, {"x": noise(1)[:, None]})
    return (lambda clips: network.run(None, {"x": clips[:, None]})[0]), parameters(graph), macs, 7 * 170


def teacher(name: str) -> Path:
    if not (MODELS / name).is_file():
        pytest.skip(f"needs {name} in ../shared/teachers, which is not here")
    return MODELS / name


PEERS: dict[str, Callable[[str], Peer]] = {"wav2vec2-base": wav2vec2, "CAM++": campplus, "segmentation-3.0": segmentation}
