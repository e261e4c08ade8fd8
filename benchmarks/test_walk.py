"""What the walk costs: each stage on ten seconds of speech, and whole recordings, on one thread.

`pytest benchmarks/test_walk.py --benchmark-json=walk.json`, then `python benchmarks/report.py walk.json`; on a shared machine,
`--benchmark-timer=time.process_time` counts processor time instead of time on the clock. `-k "not hour"` leaves the longest out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs fastdiar[train]")

from graphs import arithmetic, inputs_of, parameters

from fastdiar.core import audio
from fastdiar.core.types import RATE, Recording
from fastdiar.diarization.diarizer import Diarizer, load
from fastdiar.diarization.model import shipped
from fastdiar.diarization.walk import heard_chunks

SAMPLE = Path(__file__).parents[1] / "examples" / "dialogue.flac"
TEN_SECONDS = 10 * RATE
ROUNDS, WARM_UP = 50, 3
Note = Callable[..., None]


@pytest.fixture(scope="module", params=shipped())
def diarizer(request: pytest.FixtureRequest) -> Diarizer:
    return load(request.param, threads=1)


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """The sample dialogue, float32 `[samples]` at 16 kHz."""
    return audio.read(SAMPLE)


@pytest.mark.benchmark(group="who is active, 10 s")
def test_activity(benchmark: Any, note: Note, diarizer: Diarizer, speech: np.ndarray) -> None:
    heard = speech[:TEN_SECONDS]
    activity = benchmark.pedantic(diarizer.model.activity, (heard[None],), rounds=ROUNDS, warmup_rounds=WARM_UP)[0]
    assert activity.sum(axis=1) == pytest.approx(1, abs=1e-3)
    note(1, **size(diarizer, "activity", waveform=heard))


@pytest.mark.benchmark(group="frames of a voice, 10 s")
def test_encode(benchmark: Any, note: Note, diarizer: Diarizer, speech: np.ndarray) -> None:
    heard = speech[:TEN_SECONDS]
    frames = benchmark.pedantic(diarizer.model.encode, (heard,), rounds=ROUNDS, warmup_rounds=WARM_UP)
    assert frames.shape[1] == diarizer.model.bundle.frames.dim
    note(1, **size(diarizer, "encode", waveform=heard))


@pytest.mark.benchmark(group="twenty windows embedded")
def test_embed_twenty_windows(benchmark: Any, note: Note, diarizer: Diarizer, speech: np.ndarray) -> None:
    frames = diarizer.model.encode(speech[:TEN_SECONDS])
    weights = np.repeat(np.eye(20, dtype=np.float32), len(frames) // 20, axis=1)
    frames = frames[: weights.shape[1]]
    vectors = benchmark.pedantic(diarizer.model.embed, (frames, weights), rounds=ROUNDS, warmup_rounds=WARM_UP)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)
    note(1, **size(diarizer, "embed", frames=frames, weights=weights))


@pytest.mark.benchmark(group="a chunk of 10 s, all of it")
def test_hear_one_chunk(benchmark: Any, note: Note, diarizer: Diarizer, speech: np.ndarray) -> None:
    recording = Recording(samples=speech[:TEN_SECONDS])
    hear = lambda: list(heard_chunks(recording, diarizer.model, diarizer.settings))  # noqa: E731 - as it is timed
    heard = benchmark.pedantic(hear, rounds=ROUNDS, warmup_rounds=WARM_UP)
    assert len(heard[0].vectors)
    note(1)


@pytest.mark.parametrize(("sound", "seconds", "rounds"), [("10 s", 10, 20), ("10 minutes", 600, 1), ("an hour", 3600, 1)])
def test_diarize(
    benchmark: Any, note: Note, diarizer: Diarizer, speech: np.ndarray, sound: str, seconds: int, rounds: int
) -> None:
    recording = np.resize(speech, seconds * RATE)
    benchmark.group = f"{sound}, from samples to turns"
    found = benchmark.pedantic(diarizer, (recording, RATE), rounds=rounds, warmup_rounds=1 if seconds == 10 else 0)
    note(1, seconds_per_second_of_audio=benchmark.stats.stats.median / seconds)
    assert found.turns


def size(diarizer: Diarizer, name: str, **given: np.ndarray) -> dict[str, int]:
    """What a graph of the model holds and computes for one of each input."""
    graph = (diarizer.model.folder / f"{name}.onnx").read_bytes()
    inputs = {key: value[None] for key, value in given.items()}
    if "lengths" in inputs_of(graph):
        inputs["lengths"] = np.array([len(given["waveform"])])
    return {"parameters": parameters(graph), "macs": arithmetic(graph, inputs)}
