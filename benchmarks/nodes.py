"""Where the time of a recipe's graph goes: its kinds of nodes by time, arithmetic, and share of what the machine can do.

python benchmarks/nodes.py fast [--precision int8] [--graph encode] [--each 10]

One clip of 3 s on one thread, through onnxruntime's profiler: medians of 100 runs on the clock, so the machine must be quiet. The
peak is that of products of two matrices of 1024 × 1024 in this process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

import attrs
import onnx
import onnxruntime
from conftest import gemm_peak
from test_networks import exported, noise

RUNS, WARM_UP = 100, 5
LEAST = 0.01
"""Of the whole time: kinds of node that take less are one row together."""
OTHER = "rest of the graph"


@attrs.frozen
class Node:
    """One node of the graph as onnxruntime runs it: `microseconds` is its median, `macs` its multiplications with additions."""

    name: str
    kind: str
    microseconds: float
    macs: int

    @property
    def stage(self) -> str:
        """The part of the network that it belongs to, and what it computes."""
        scope = self.name.partition("/")[0].removeprefix("network.").split(".")
        part = ".".join(scope[: 2 if scope[0] == "temporal" else 1]) if "/" in self.name else OTHER
        return f"{part}: {self.kind}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="its name in recipes/, such as fast")
    parser.add_argument("--precision", choices=("fp32", "fp16", "int8"), default="fp32")
    parser.add_argument("--graph", choices=("encode", "classify"), default="encode")
    parser.add_argument("--each", type=int, default=0, metavar="N", help="the N slowest nodes one by one, too")
    arguments = parser.parse_args()
    nodes = list(profiled(exported(arguments.recipe, arguments.precision) / f"{arguments.graph}.onnx"))
    stages = defaultdict(list)
    for node in nodes:
        stages[node.stage].append(node)
    peak = gemm_peak(1)
    print("\n".join(table({**joined(stages), "all": nodes}, peak)))
    slowest = sorted(nodes, key=lambda node: -node.microseconds)[: arguments.each]
    if slowest:
        print("\n" + "\n".join(table({f"{node.name} ({node.kind})": [node] for node in slowest}, peak)))


def profiled(graph: Path) -> Iterator[Node]:
    """The graph's nodes, as onnxruntime has fused them, in the order they run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.enable_profiling = 1, True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
        for _ in range(WARM_UP + RUNS):
            session.run(None, {"waveform": noise(1)})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    weights = dict(kernels(graph))
    taken: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            taken[event["name"].removesuffix("_kernel_time")].append(event)
    for name, runs in taken.items():
        about = runs[-1]["args"]
        yield Node(
            name,
            about["op_name"],
            median(each["dur"] for each in runs[WARM_UP:]),
            macs(about, weights.get(name.partition("_token_")[0])),
        )


def kernels(graph: Path) -> Iterator[tuple[str, list[int]]]:
    """The shape of each convolution's weights, by node name: the profiler does not tell it where onnxruntime has packed them."""
    model = onnx.load(graph).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in model.initializer}
    made_from = {node.output[0]: node.input[0] for node in model.node if node.op_type in ("Cast", "DequantizeLinear")}
    for node in model.node:
        if node.op_type == "Conv":
            yield node.name, shapes[made_from.get(node.input[1], node.input[1])]


def macs(about: Mapping[str, Any], weights: list[int] | None) -> int:
    """Multiplications with additions of a node, from the shapes that the profiler saw; 0 of what only moves or adds numbers."""
    given, made = ([list(next(iter(shape.values()))) for shape in about[f"{side}_type_shape"]] for side in ("input", "output"))
    kind = about["op_name"]
    if weights:
        return prod(made[0]) * prod(weights[1:])
    if kind in ("MatMul", "FusedMatMul", "Gemm", "MatMulInteger", "MatMulIntegerToFloat", "QLinearMatMul"):
        return prod(given[0]) * made[0][-1]  # true of a transposed factor, too
    if kind == "GRU":
        numbers, hidden = given[0][-1], made[0][-1]
        return prod(made[0]) * 3 * (numbers + hidden)
    return 0


def joined(stages: Mapping[str, list[Node]]) -> dict[str, list[Node]]:
    """The stages, with those that take next to nothing as one."""
    times = {name: sum(node.microseconds for node in nodes) for name, nodes in stages.items()}
    small = {name for name, time in times.items() if time < LEAST * sum(times.values())}
    rest = [node for name in small for node in stages[name]]
    return {name: nodes for name, nodes in stages.items() if name not in small} | {"others, below 1 % each": rest}


def table(groups: Mapping[str, Iterable[Node]], peak: float) -> Iterator[str]:
    """In Markdown, slowest first."""
    yield "| | nodes | time | GFLOP | GFLOP/s | of the peak |"
    yield "|---|---|---|---|---|---|"
    sums = {
        name: (len(nodes := list(members)), sum(each.microseconds for each in nodes), sum(each.macs for each in nodes))
        for name, members in groups.items()
    }
    for name, (count, microseconds, products) in sorted(sums.items(), key=lambda each: -each[1][1]):
        speed = 2 * products / microseconds / 1e3 if microseconds else 0.0
        share = f"{2 * products / 1e9:.3f} | {speed:.0f} | {100 * speed / peak:.0f} %" if products else " | | "
        yield f"| {name} | {count} | {microseconds / 1000:.2f} ms | {share} |"
    yield f"\nPeak {peak:.0f} GFLOP/s; onnxruntime {onnxruntime.__version__}, one thread."


if __name__ == "__main__":
    main()
