"""Timing a model says what was timed and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdiar import load
from fastdiar.__main__ import run
from fastdiar.core.errors import AudioError
from fastdiar.core.processes import cores
from fastdiar.evaluation.bench import Timing, bench


def test_a_clip_a_step_and_a_minute_are_timed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "--model", "quickstart", "--seconds", "0", "--threads", "2"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split("P50")[0].strip() for line in out if "P99" in line and "faster" in line] == [
        "a clip of 3 s to its voice",
        "a step of 1 s: who speaks, and voice",
        "a minute of sound to its turns",
    ]
    assert out[-1].startswith("fastdiar bench, P50/P90/P99: 3 s: ")
    threads = "2 threads" if cores() > 1 else "1 thread"
    for condition in ("quickstart", f"on cpu, {threads}", "onnxruntime", "Python", "core"):
        assert condition in out[-1]


def test_percentiles_stand_in_order() -> None:
    found = bench(load("quickstart"), budget=0)
    for timing in found.timings:
        assert 0 < timing.p50 <= timing.p90 <= timing.p99 and timing.runs >= 5


def test_how_much_faster_than_the_sound() -> None:
    assert "20 times faster than it sounds" in str(Timing("a minute", 60, p50=3000, p90=3100, p99=3200, runs=5))


def test_a_recording_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no-such"):
        bench(load("quickstart"), tmp_path / "no-such.wav", budget=0)
