"""Tables for docs/benchmarks.md from pytest-benchmark's JSON, and a picture of latency against accuracy.

python benchmarks/report.py walk.json [--accuracy accuracy.json --picture latency.png --group "10 minutes, from samples to turns"]

`accuracy.json` maps a benchmark's name, as the table shows it, to its error (%), such as a DER, or what another script timed to
`[milliseconds, error]`. `--group` draws one table alone.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

COLUMNS = ("runtime", "precision", "batch", "threads")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--accuracy", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--group")
    arguments = parser.parse_args()
    results = json.loads(arguments.results.read_text(encoding="utf-8"))["benchmarks"]
    print("\n".join(tables(results)))
    if arguments.accuracy and arguments.picture:
        drawn = [result for result in results if arguments.group in (None, result["group"])]
        draw(drawn, json.loads(arguments.accuracy.read_text(encoding="utf-8")), arguments.picture, arguments.group or "a clip")


def tables(results: list[dict[str, Any]]) -> Iterator[str]:
    """A table in Markdown for each group, fastest first, and the conditions below it."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        if "p50_ms" in result["extra_info"]:
            groups[result["group"] or ""].append(result)
    for group, members in groups.items():
        yield f"### {group}\n"
        yield "| | runtime | precision | batch | threads | P50 | P90 | P99 | parameters | GFLOP | GFLOP/s | of the peak |"
        yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
        for member in sorted(members, key=lambda one: one["extra_info"]["p50_ms"]):
            yield row(name_of(member), member["extra_info"])
        infos = [member["extra_info"] for member in members]
        loads = [info["load"] for info in infos]
        versions = ", ".join(f"{name} {number}" for name, number in infos[0]["versions"].items())
        yield f"\n{infos[0]['hardware']}; {versions}; load {min(loads):.1f} to {max(loads):.1f}.\n"


def row(name: str, info: Mapping[str, Any]) -> str:
    def number(key: str, form: str, scale: float = 1.0) -> str:
        return form.format(scale * info[key]) if key in info else ""

    cells = [name, *(str(info.get(column, "")) for column in COLUMNS)]
    cells += [number(key, "{:.1f} ms" if info[key] >= 1 else "{:.3f} ms") for key in ("p50_ms", "p90_ms", "p99_ms")]
    cells += [number("parameters", "{:.2f} M", 1e-6), number("gflop", "{:.2f}"), number("gflop_per_s", "{:.0f}")]
    return "| " + " | ".join([*cells, number("share_of_peak", "{:.0f} %", 100)]) + " |"


def name_of(result: Mapping[str, Any]) -> str:
    """The first of its parameters that is no column."""
    shown = {str(result["extra_info"].get(column)) for column in COLUMNS} | {"encoder", "temporal", "pooling"}
    names = [str(value) for value in (result.get("params") or {}).values() if str(value) not in shown]
    return names[0].rsplit(" ", 1)[0] if names else str(result["name"])


def draw(results: list[dict[str, Any]], accuracy: Mapping[str, float | list[float]], path: Path, what: str = "a clip") -> None:
    """Latency against error, of what has both."""
    import matplotlib.pyplot as plt

    points = {name: place for name, place in accuracy.items() if isinstance(place, list)}
    for result in results:
        name, info = name_of(result), result["extra_info"]
        label = f"{name} {info.get('precision', '')}".strip()
        if "p50_ms" in info and (label in accuracy or name in accuracy):
            points[label] = [info["p50_ms"], accuracy.get(label, accuracy.get(name))]
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for label, (milliseconds, error) in points.items():
        axes.scatter(milliseconds / 1000, error)
        axes.annotate(label, (milliseconds / 1000, error), textcoords="offset points", xytext=(5, 5))
    axes.set(xscale="log", xlabel=f"{what}: P50 (s)", ylabel="error (%)")
    axes.margins(x=0.25, y=0.1)  # room for the names
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
