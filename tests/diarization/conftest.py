"""A model whose answers are known, and the one that ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastdiar.core.bundle import Activity, Bundle
from fastdiar.core.powerset import powerset
from fastdiar.core.types import RATE, Frames
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.frames import centres

DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"
PEOPLE, DIM = 4, 8
Script = list[tuple[float, float, int]]


class FakeModel:
    """Hears who speaks from the samples themselves: a sample is the sum of 2^person / 16 over those who speak."""

    folder = Path("fake")
    backend: dict[str, np.ndarray] = {}  # noqa: RUF012 - never changed

    def __init__(self, one_pass: bool = False) -> None:
        self.one_pass = one_pass
        self.bundle = Bundle("fake", Frames(DIM, hop=320, first=200), Activity(hop=270, first=495), embedding=DIM)
        self.encoded: list[int] = []

    def activity(self, waveform: np.ndarray) -> np.ndarray:
        """Certain of who speaks; local speakers are the chunk's people in order of appearance."""
        speaking, classes = _speaking(waveform, self.bundle.activity), powerset(3, 2)
        order = sorted(np.flatnonzero(speaking.any(axis=0)), key=lambda person: speaking[:, person].argmax())
        local = np.zeros((len(speaking), 3), np.float32)
        for place, person in enumerate(order[:3]):
            local[:, place] = speaking[:, person]
        return (local[:, None] == classes).all(axis=2).astype(np.float32)

    def encode(self, waveform: np.ndarray) -> np.ndarray:
        """A direction for each person, and a little noise."""
        self.encoded.append(len(waveform))
        speaking = _speaking(waveform, self.bundle.frames)
        frames = 0.05 * np.random.default_rng(len(waveform)).standard_normal((len(speaking), DIM))
        frames[:, :PEOPLE] += speaking
        return frames.astype(np.float32)

    def encode_with_activity(self, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.encode(waveform), self.activity(waveform)

    def embed(self, frames: np.ndarray, weights: np.ndarray) -> np.ndarray:
        sums = weights @ frames
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def _speaking(waveform: np.ndarray, grid: Activity | Frames) -> np.ndarray:
    """Who speaks at the middle of each frame, bool `[frames, people]`."""
    count = max(1, int(np.ceil((len(waveform) - grid.first) / grid.hop)))
    middles = np.minimum(centres(grid, count).astype(int), len(waveform) - 1)
    codes = np.rint(waveform[middles] * 16).astype(int)
    return (codes[:, None] >> np.arange(PEOPLE) & 1).astype(bool)


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


@pytest.fixture(params=["two networks", "one network"])
def either(request: pytest.FixtureRequest) -> FakeModel:
    return FakeModel(one_pass=request.param == "one network")


@pytest.fixture(scope="session")
def sound() -> Callable[[Script, float], np.ndarray]:
    """Turns `(start, end, person)` as samples that the fake model understands."""

    def made(script: Script, seconds: float) -> np.ndarray:
        codes = np.zeros(round(seconds * RATE), int)
        for start, end, person in script:
            codes[round(start * RATE) : round(end * RATE)] |= 1 << person
        return (codes / 16).astype(np.float32)

    return made


@pytest.fixture(scope="session")
def quality() -> Diarizer:
    """The model that ships."""
    pytest.importorskip("onnxruntime", reason="running a model needs onnxruntime: pip install 'fastdiar[cpu]'")
    from fastdiar import load

    return load("quality")


@pytest.fixture(scope="session")
def dialogue() -> np.ndarray:
    """The sample recording, float32 `[samples]` at 16 kHz."""
    from fastdiar.core import audio

    return audio.read(DIALOGUE)
