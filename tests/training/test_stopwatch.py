"""What time went to."""

from __future__ import annotations

import contextlib

import pytest

from fastdiar.training.stopwatch import Stopwatch


def test_it_counts_waiting_and_work_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    watch = Stopwatch("data", "forward")

    def slowly(seconds: float) -> float:
        clock[0] += seconds
        return seconds

    for item in watch.waiting("data", (slowly(2.0) for _ in range(3))):
        with watch.running("forward"):
            slowly(item / 2)
    assert watch.seconds == {"data": 6.0, "forward": 3.0}
    slowly(1.0)
    assert watch.total == 10.0


def test_time_that_ends_in_an_error_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    watch = Stopwatch("data")
    with contextlib.suppress(OSError), watch.running("data"):
        clock[0] += 4.0
        raise OSError("gone")
    assert watch.seconds == {"data": 4.0}
