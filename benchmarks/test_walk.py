"""What the walk costs: each stage on ten seconds of speech, and whole recordings, on one thread.

`pytest benchmarks/test_walk.py`; on a shared machine, `--benchmark-timer=time.process_time` counts processor time instead of time
on the clock.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fastdiar.core import audio
from fastdiar.core.types import RATE, Recording
from fastdiar.diarization.diarizer import Diarizer, load
from fastdiar.diarization.model import shipped
from fastdiar.diarization.walk import heard_chunks

SAMPLE = Path(__file__).parents[1] / "examples" / "dialogue.flac"
TEN_SECONDS = 10 * RATE


@pytest.fixture(scope="module", params=shipped())
def diarizer(request: pytest.FixtureRequest) -> Diarizer:
    return load(request.param, threads=1)


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """The sample dialogue, float32 `[samples]` at 16 kHz."""
    return audio.read(SAMPLE)


@pytest.mark.benchmark(group="10 s")
def test_activity(benchmark: BenchmarkFixture, diarizer: Diarizer, speech: np.ndarray) -> None:
    activity = benchmark(diarizer.model.activity, speech[:TEN_SECONDS])
    assert activity.sum(axis=1) == pytest.approx(1, abs=1e-3)


@pytest.mark.benchmark(group="10 s")
def test_encode(benchmark: BenchmarkFixture, diarizer: Diarizer, speech: np.ndarray) -> None:
    frames = benchmark(diarizer.model.encode, speech[:TEN_SECONDS])
    assert frames.shape[1] == diarizer.model.bundle.frames.dim


@pytest.mark.benchmark(group="10 s")
def test_embed_twenty_windows(benchmark: BenchmarkFixture, diarizer: Diarizer, speech: np.ndarray) -> None:
    frames = diarizer.model.encode(speech[:TEN_SECONDS])
    weights = np.repeat(np.eye(20, dtype=np.float32), len(frames) // 20, axis=1)
    vectors = benchmark(diarizer.model.embed, frames[: weights.shape[1]], weights)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)


@pytest.mark.benchmark(group="whole recordings", min_rounds=3)
@pytest.mark.parametrize("minutes", [1, 10])
def test_diarize(benchmark: BenchmarkFixture, diarizer: Diarizer, speech: np.ndarray, minutes: int) -> None:
    recording = np.resize(speech, minutes * 60 * RATE)
    found = benchmark.pedantic(diarizer, (recording, RATE), rounds=3, warmup_rounds=1 if minutes == 1 else 0)
    benchmark.extra_info["seconds of processor per second of audio"] = benchmark.stats.stats.median / (60 * minutes)
    assert found.turns


@pytest.mark.benchmark(group="whole recordings")
def test_hear_one_chunk(benchmark: BenchmarkFixture, diarizer: Diarizer, speech: np.ndarray) -> None:
    recording = Recording(samples=speech[:TEN_SECONDS])
    heard = benchmark(lambda: list(heard_chunks(recording, diarizer.model, diarizer.settings)))
    assert len(heard[0].vectors)
