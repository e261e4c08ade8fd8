"""Ideas that could make `fast` faster, each in turns with what is there, in one run: what docs/benchmarks.md says of them.

python benchmarks/ideas.py [front-end blocks frames gru bits binding compile …] [--runs 60]

A clip of 3 s, waveform to frames, fp32 on one thread through onnxruntime unless a row says more; weights are random. Times are
the thread's own, but for `threads`, which is on the clock and wants a quiet machine with two cores. Without names: all but that.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnxruntime
import torch
from test_components import by_onnxruntime
from test_networks import CLASSES, ROOT, by_graphs, exported, noise
from test_networks import by_onnxruntime as by_sessions
from torch import Tensor, nn

from fastdiar.core.recurrent import _onnx_gates
from fastdiar.core.spectrum import FFT, FLOOR, LOUDEST, mel_bands
from fastdiar.network import Network, build_network
from fastdiar.recipe import read_recipe

Ways = Mapping[str, Callable[[], Any]]
"""Ways to do the same, by name; the first is what fastdiar does."""
WARM_UP, BLOCK = 5, 10
"""Calls that are not timed, and how many follow each other before it is another's turn."""
CLIP = torch.from_numpy(noise(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ideas", nargs="*", choices=[*IDEAS, []], metavar="IDEA", help=", ".join(IDEAS))
    parser.add_argument("--runs", type=int, default=60)
    asked = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for name in asked.ideas or [name for name in IDEAS if name != "threads"]:
        clock = time.perf_counter if name == "threads" else time.thread_time
        print(f"\n### {name}\n", flush=True)
        found, first = in_turns(IDEAS[name](), asked.runs, clock), None
        print("| | P50 | P99 | of the first |\n|---|--:|--:|--:|")
        for way, taken in found.items():
            p50, p99 = (1000 * float(each) for each in np.percentile(taken, (50, 99)))
            first = first or p50
            print(f"| {way} | {p50:.2f} ms | {p99:.2f} ms | {p50 / first:.2f} |", flush=True)
    print(f"\nonnxruntime {onnxruntime.__version__}, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}.")


def in_turns(ways: Ways, runs: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds of each way's runs, a few of one after a few of another: what else the machine does meets all alike."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    while len(next(iter(taken.values()))) < runs:
        for name, call in ways.items():
            for _ in range(WARM_UP):
                call()
            for _ in range(BLOCK):
                begun = clock()
                call()
                taken[name].append(clock() - begun)
    return taken


def front_end() -> Ways:
    """The spectrogram inside the graph, as a product, or before it, by numpy's FFT."""
    network = fast("fast-mel")
    mel = network.encoder.mel
    inside = encoder_of(network)
    network.encoder.mel = nn.Identity()

    class AfterMel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, bands: Tensor) -> Tensor:
            x, lengths = bands, torch.full((len(bands),), bands.shape[-1])
            for part in (self.network.encoder.stem, self.network.encoder.blocks):
                x, lengths = part(x, lengths)
            frames = x.transpose(1, 2)
            for block in self.network.temporal.values():
                frames = block(frames, lengths)
            return frames

    with torch.no_grad():
        expected = mel(CLIP, torch.tensor([CLIP.shape[1]]))[0]
    bands, window = mel_bands(80).numpy(), np.hanning(400).astype(np.float32)

    def by_fft(clip: np.ndarray) -> np.ndarray:
        padded = np.pad(clip[0] * np.float32(LOUDEST), (mel.side, mel.side + mel.hop - 1))
        pieces = np.lib.stride_tricks.sliding_window_view(padded, 400)[:: mel.hop] * window
        spectrum = np.fft.rfft(pieces, FFT)
        powers = np.log(bands @ (spectrum.real**2 + spectrum.imag**2).T.astype(np.float32) + np.float32(FLOOR))
        return (powers - powers.mean(axis=1, keepdims=True))[None]

    np.testing.assert_allclose(by_fft(CLIP.numpy()), expected.numpy(), atol=1e-2)
    after = by_onnxruntime(AfterMel().eval(), (expected,))
    return {
        "spectrogram in the graph": inside,
        "by numpy's FFT before it": lambda: after(torch.from_numpy(by_fft(CLIP.numpy()))),
        "the graph without one": lambda: after(expected),
    }


def blocks() -> Ways:
    """Residual blocks of whole convolutions, of grouped ones, and of depthwise ones with products behind them."""

    def with_convolutions(made: Callable[[nn.Conv1d], nn.Module]) -> Callable[[], Any]:
        network = fast()
        for module in list(network.encoder.blocks.modules()):
            if isinstance(getattr(module, "conv", None), nn.Conv1d):
                module.conv = made(module.conv)
        return encoder_of(network)

    def like(conv: nn.Conv1d, out: int, groups: int) -> nn.Conv1d:
        return nn.Conv1d(conv.in_channels, out, conv.kernel_size, conv.stride, conv.padding, groups=groups, bias=False)

    return {
        "whole": encoder_of(fast()),
        "in 4 groups": with_convolutions(lambda conv: like(conv, conv.out_channels, 4)),
        "depthwise, then a product": with_convolutions(
            lambda conv: nn.Sequential(
                like(conv, conv.in_channels, conv.in_channels), nn.Conv1d(conv.in_channels, conv.out_channels, 1, bias=False)
            )
        ),
    }


def frames() -> Ways:
    """Fewer frames a second before self-attention and GRU."""
    half, quarter = "encoder.strides=[2,2,1,2,2]", "encoder.strides=[2,2,2,2,2]"
    return {
        "50 frames a second": encoder_of(fast()),
        "25": encoder_of(fast("fast", half)),
        "12.5": encoder_of(fast("fast", quarter)),
    }


def gru() -> Ways:
    """The GRU as one operator for both ways, convolutions in its place, and nothing."""

    class BothAtOnce(nn.Module):
        """The same numbers by one operator, which turns round by itself."""

        def __init__(self, ways: Any) -> None:
            super().__init__()
            self.ways = ways

        def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
            each, biases = (self.ways.ahead, self.ways.back), ("bias_ih_l0", "bias_hh_l0")
            weights = [torch.stack([_onnx_gates(gru, name) for gru in each]) for name in ("weight_ih_l0", "weight_hh_l0")]
            bias = torch.stack([torch.cat([_onnx_gates(gru, name) for name in biases]) for gru in each])
            hidden = self.ways.ahead.hidden_size
            heard: Tensor = torch.onnx.ops.symbolic(
                "GRU",
                [frames.transpose(0, 1), *weights, bias],
                {"hidden_size": hidden, "linear_before_reset": 1, "direction": "bidirectional"},
                dtype=frames.dtype,
                shape=(frames.shape[1], 2, frames.shape[0], hidden),
            )
            return heard.permute(2, 0, 1, 3).flatten(2)

    class Separable(nn.Module):
        """Seven frames of each number, then a product, and a shortcut."""

        def __init__(self, dim: int) -> None:
            super().__init__()
            self.near = nn.Conv1d(dim, dim, 7, padding=3, groups=dim)
            self.mix = nn.Conv1d(dim, dim, 1)

        def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
            return frames + torch.relu(self.mix(self.near(frames.transpose(1, 2)))).transpose(1, 2)

    class Nothing(nn.Module):
        def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
            return frames

    def with_block(made: Callable[[Any], nn.Module]) -> Callable[[], Any]:
        network = fast()
        network.temporal["smooth"] = made(network.temporal["smooth"])
        return encoder_of(network)

    return {
        "a GRU each way": encoder_of(fast()),
        "one operator for both": with_block(lambda block: BothAtOnce(block.both_ways)),
        "depthwise convolution, product": with_block(lambda block: Separable(block.out.dim)),
        "without": with_block(lambda block: Nothing()),
    }


def bits() -> Ways:
    """8-bit products by VNNI or AMX, where more of the network is convolutions than in `fast`: to the embedding."""
    clip = noise(1)
    hear = {
        f"{name}, {precision}": by_sessions(exported(name, precision), 1)
        for name in ("baseline", "fast")
        for precision in ("fp32", "int8")
    }
    return {name: lambda call=call: call(clip) for name, call in hear.items()}


def binding() -> Ways:
    """Inputs and outputs of the session bound to memory once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = (exported("fast", "fp32") / "encode.onnx").read_bytes()
    session, clip = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]), noise(1)
    bound = session.io_binding()
    bound.bind_cpu_input("waveform", clip)
    bound.bind_ortvalue_output("frames", onnxruntime.OrtValue.ortvalue_from_numpy(session.run(None, {"waveform": clip})[0]))
    return {"run": lambda: session.run(None, {"waveform": clip}), "bound": lambda: session.run_with_iobinding(bound)}


def threads() -> Ways:
    """Two threads for one clip, to its embedding, and what they do while they wait."""
    clip, ways = noise(1), {"one thread": (1, {}), "two": (2, {})}
    ways["two, which stop spinning after a run"] = (2, {"session.force_spinning_stop": "1"})
    ways["two, which never spin"] = (2, {"session.intra_op.allow_spinning": "0"})

    def hear(precision: str, count: int, entries: Mapping[str, str]) -> Callable[[], Any]:
        sessions = []
        for name in ("encode", "embed"):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = count
            for key, value in entries.items():
                options.add_session_config_entry(key, value)
            graph = (exported("fast", precision) / f"{name}.onnx").read_bytes()
            sessions.append(onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]))
        encode, embed = sessions
        call = by_graphs(lambda given: encode.run(None, given)[0], lambda given: embed.run(None, given)[0])
        return lambda: call(clip)

    return {f"{precision}, {name}": hear(precision, *way) for precision in ("fp32", "int8") for name, way in ways.items()}


def compiled() -> Ways:
    """A step of training on eight clips of 3 s, forwards and backwards, as it is and by torch.compile."""
    waveform, speakers = torch.from_numpy(noise(8)), torch.arange(8)
    lengths = torch.full((8,), waveform.shape[1])

    def step(network: nn.Module) -> Callable[[], Any]:
        def learn() -> None:
            network.zero_grad()
            nn.functional.cross_entropy(network(waveform, lengths)["speaker"].logits, speakers).backward()

        return learn

    plain, quick = step(fast().train()), step(torch.compile(fast().train()))
    begun = time.perf_counter()
    quick()
    print(f"compiling took {time.perf_counter() - begun:.0f} s\n")
    return {"as it is": plain, "torch.compile": quick}


IDEAS: Mapping[str, Callable[[], Ways]] = {
    "front-end": front_end,
    "blocks": blocks,
    "frames": frames,
    "gru": gru,
    "bits": bits,
    "binding": binding,
    "threads": threads,
    "compile": compiled,
}


class Heard(nn.Module):
    """What a network hears in a clip."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, waveform: Tensor) -> Tensor:
        """`[batch, samples]` → `[batch, frames, dim]`."""
        return self.network.encode(waveform, torch.full((len(waveform),), waveform.shape[1]))[0]


def fast(name: str = "fast", *overrides: str) -> Any:
    return build_network(read_recipe(ROOT / "recipes" / f"{name}.toml", overrides), {"speaker": CLASSES}).eval()


def encoder_of(network: Network) -> Callable[[], Any]:
    """Its frames for a clip, by onnxruntime."""
    call = by_onnxruntime(Heard(network).eval(), (CLIP,))
    return lambda: call(CLIP)


if __name__ == "__main__":
    main()
