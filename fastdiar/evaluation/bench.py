"""How long a model takes on this machine, at what people wait for: a clip, a step of a stream, a minute of sound."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from fastdiar.core import audio
from fastdiar.core.types import RATE
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.model import Model
from fastdiar.evaluation.environment import hardware

WARM_UP, FEWEST = 2, 5
"""Runs before time is taken, and at least while it is."""
CLIP, STEP, MINUTE = 3.0, 1.0, 60.0


@attrs.frozen
class Timing:
    """Milliseconds of one thing done over and over."""

    what: str
    seconds: float
    p50: float
    p90: float
    p99: float
    runs: int

    def __str__(self) -> str:
        faster = 1000 * self.seconds / self.p50
        return (
            f"{self.what:34} P50 {self.p50:8.1f} ms   P90 {self.p90:8.1f}   P99 {self.p99:8.1f}   "
            f"({self.runs} runs, {faster:.0f} times faster than it sounds)"
        )


@attrs.frozen
class Bench:
    """What was timed, and under which conditions."""

    model: str
    conditions: str
    timings: tuple[Timing, ...]

    def __str__(self) -> str:
        lines = [f"{self.model}: {self.conditions}", *map(str, self.timings), "", "to paste into an issue:", self.line]
        return "\n".join(lines)

    @property
    def line(self) -> str:
        """All of it in one line."""
        times = "; ".join(f"{each.seconds:g} s: {each.p50:.1f}/{each.p90:.1f}/{each.p99:.1f} ms" for each in self.timings)
        return f"fastdiar bench, P50/P90/P99: {times} | {self.model} | {self.conditions}"


def bench(
    diarizer: Diarizer, recording: Path | None = None, budget: float = 24.0, started: Callable[[str], Any] = lambda what: None
) -> Bench:
    """Time a model for about `budget` seconds, on a recording's beginning or on made-up voices; raises `AudioError`."""
    model = diarizer.model
    minute = np.resize(_voices() if recording is None else audio.read(recording, 0.0, MINUTE), round(MINUTE * RATE))
    clip, step = minute[: round(CLIP * RATE)], minute[: round(STEP * RATE)]
    work: tuple[tuple[str, float, Callable[[], Any]], ...] = (
        ("a clip of 3 s to its voice", CLIP, lambda: model.voice(clip)),
        ("a step of 1 s: who speaks, and voice", STEP, lambda: _step(model, step)),
        ("a minute of sound to its turns", MINUTE, lambda: diarizer(minute, RATE)),
    )
    timings = []
    for what, seconds, call in work:
        started(what)
        timings.append(_timed(what, seconds, call, budget / len(work)))
    return Bench(model.bundle.name, _conditions(model), tuple(timings))


def _timed(what: str, seconds: float, call: Callable[[], Any], budget: float) -> Timing:
    for _ in range(WARM_UP):
        call()
    taken: list[float] = []
    end = time.perf_counter() + budget
    while len(taken) < FEWEST or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    p50, p90, p99 = (float(each) for each in np.percentile(taken, (50, 90, 99)))
    return Timing(what, seconds, p50, p90, p99, len(taken))


def _step(model: Model, samples: np.ndarray) -> None:
    """What a stream costs for each second: activity, frames, and the voice of the last speaker."""
    if model.one_pass:
        frames = model.encode_with_activity(samples[None])[0][0]
    else:
        model.activity(samples[None])
        frames = model.encode(samples)
    model.embed(frames, np.ones((1, len(frames)), np.float32))


def _voices() -> np.ndarray:
    """A minute of two voices in turn, each a buzz in syllables: the networks take as long for them as for people."""
    seconds = np.arange(round(MINUTE * RATE)) / RATE
    pitch = np.where(seconds % 8 < 4, 110, 190)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    buzz = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 15))
    return (0.1 * buzz * np.maximum(0, np.sin(2 * np.pi * 3 * seconds))).astype(np.float32)


def _conditions(model: Model) -> str:
    import onnxruntime

    threads = "1 thread" if model.threads == 1 else f"{model.threads} threads"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    size = sum((model.folder / file).stat().st_size for file in model.bundle.files) / 1e6
    libraries = f"fastdiar {version('fastdiar')}, onnxruntime {onnxruntime.__version__}, Python {platform.python_version()}"
    return f"{size:.1f} MB on {model.provider}, {threads}; {hardware()}{load}; {libraries}"
