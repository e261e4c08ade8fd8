"""How long one clip takes, alone: what a caller waits for."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import attrs
import numpy as np

from fastdiar.core.types import RATE
from fastdiar.diarization.model import Model

SECONDS = 3.0
WARM_UP, RUNS = 10, 200
"""Clips heard before time is taken, and while it is."""


@attrs.frozen
class Latency:
    """Milliseconds to classify one clip of `seconds`, batch 1, over `runs` clips, and under which conditions.

    `precision` is that of the stored weights, as the model's recipe tells it; "" where it does not. `load` is how many processes
    wanted a core on average in the minute before.
    """

    p50: float
    p99: float
    seconds: float
    runs: int
    threads: int
    precision: str
    runtime: str
    load: float

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        stored = f", weights stored as {self.precision}" if self.precision else ""
        return (
            f"P50 {self.p50:.2f} ms, P99 {self.p99:.2f} ms "
            f"(batch 1, {threads}, clips of {self.seconds:g} s, {self.runs} runs, {self.runtime}{stored}, load {self.load:.1f})"
        )


def clip_latency(model: Model, recordings: Sequence[np.ndarray], seconds: float = SECONDS) -> Latency:
    """Time `model.classify` on the beginnings of recordings `[samples]`; those that are too short are repeated."""
    import onnxruntime

    clips = [np.resize(samples, round(seconds * RATE)) for samples in recordings]
    taken = []
    for run in range(WARM_UP + RUNS):
        began = time.perf_counter()
        model.classify(clips[run % len(clips)])
        taken.append(1000 * (time.perf_counter() - began))
    p50, p99 = np.percentile(taken[WARM_UP:], (50, 99))
    precision = str(model.bundle.recipe.get("export", {}).get("precision", ""))
    runtime = f"onnxruntime {onnxruntime.__version__} on {model.provider}"
    return Latency(float(p50), float(p99), seconds, RUNS, model.threads, precision, runtime, os.getloadavg()[0])
