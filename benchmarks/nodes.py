"""Where the time of a recipe's graph goes: its kinds of nodes by time, arithmetic, and share of what the machine can do.

python benchmarks/nodes.py fast [--precision int8] [--graph encode] [--each 10]

One clip of 3 s on one thread, through onnxruntime's profiler: medians of 100 runs on the clock, so the machine must be quiet. The
peak is that of products of two matrices of 1024 × 1024 in this process.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import onnxruntime
from conftest import gemm_peak
from graphs import Node, profiled
from test_networks import exported, noise

RUNS = 100
LEAST = 0.01
"""Of the whole time: kinds of node that take less are one row together."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="its name in recipes/, such as fast")
    parser.add_argument("--precision", choices=("fp32", "fp16", "int8"), default="fp32")
    parser.add_argument("--graph", choices=("encode", "classify"), default="encode")
    parser.add_argument("--each", type=int, default=0, metavar="N", help="the N slowest nodes one by one, too")
    arguments = parser.parse_args()
    graph = exported(arguments.recipe, arguments.precision) / f"{arguments.graph}.onnx"
    nodes = list(profiled(graph.read_bytes(), {"waveform": noise(1)}, RUNS))
    stages = defaultdict(list)
    for node in nodes:
        stages[node.stage].append(node)
    peak = gemm_peak(1)
    print("\n".join(table({**joined(stages), "all": nodes}, peak)))
    slowest = sorted(nodes, key=lambda node: -node.microseconds)[: arguments.each]
    if slowest:
        print("\n" + "\n".join(table({f"{node.name} ({node.kind})": [node] for node in slowest}, peak)))


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
