"""Benchmarks' JSON becomes tables and a picture."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "report.py"


@pytest.fixture(scope="module")
def report() -> Any:
    spec = importlib.util.spec_from_file_location("report", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def result(name: str, p50: float, **more: Any) -> dict[str, Any]:
    info = {
        "p50_ms": p50,
        "p90_ms": p50 + 1,
        "p99_ms": p50 + 2,
        "runtime": "onnxruntime",
        "precision": "fp32",
        "batch": 1,
        "threads": 1,
    }
    conditions = {"hardware": "a machine", "load": 0.5, "versions": {"torch": "2"}}
    return {"group": "clips", "name": "test", "params": {"name": name, "batch": 1}, "extra_info": {**info, **conditions, **more}}


def test_a_table_for_each_group_the_fastest_first(report: Any) -> None:
    slow = result("enhanced", 200.0, parameters=8_610_000, gflop=31.4, gflop_per_s=157.0, share_of_peak=0.61)
    quick = result("average", 0.0134, p90_ms=0.02)
    text = "\n".join(report.tables([slow, result("fast", 7.25), {"group": "other", "extra_info": {}}, quick]))
    rows = [line for line in text.splitlines() if line.startswith("| ") and "ms" in line]
    assert rows == [
        "| average | onnxruntime | fp32 | 1 | 1 | 0.013 ms | 0.020 ms | 2.0 ms |  |  |  |  |",
        "| fast | onnxruntime | fp32 | 1 | 1 | 7.2 ms | 8.2 ms | 9.2 ms |  |  |  |  |",
        "| enhanced | onnxruntime | fp32 | 1 | 1 | 200.0 ms | 201.0 ms | 202.0 ms | 8.61 M | 31.40 | 157 | 61 % |",
    ]
    assert "### clips" in text and "a machine; torch 2; load 0.5 to 0.5." in text


def test_a_peer_is_called_what_it_is(report: Any) -> None:
    peer = result("", 3.0) | {"params": {"peer": "CAM++ onnxruntime"}}
    assert report.name_of(peer) == "CAM++"


def test_latency_is_drawn_against_accuracy(report: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setattr(plt, "close", lambda figure: None)
    accuracy = {"fast": 12.0, "peer": [90.0, 20.0]}
    report.draw([result("fast", 7.0), result("unknown", 9.0)], accuracy, tmp_path / "latency.png")
    (axes,) = plt.gcf().axes
    places = {text.get_text(): text.xy for text in axes.texts}
    assert places == {"fast fp32": (0.007, 12.0), "peer": (0.09, 20.0)}
    assert (tmp_path / "latency.png").stat().st_size > 1000
