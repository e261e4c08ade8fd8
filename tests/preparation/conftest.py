"""What the tests of preparation share: a corpus of made-up voices in many formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile


def sound(seconds: float, rate: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Noise over a tone of 220 Hz, float32 `[samples, channels]`."""
    time = np.arange(round(seconds * rate))[:, None] / rate
    noise = np.random.default_rng(seed).normal(size=(len(time), channels))
    return (0.2 * np.sin(2 * np.pi * 220 * time) + 0.02 * noise).astype(np.float32)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two speakers in the layout of `folder`: good recordings, a table, and nothing else."""
    root = tmp_path / "corpus"
    for name, rate, channels in (("ann/mon/a.wav", 44_100, 2), ("ann/tue/b.ogg", 8_000, 1), ("bob/c.d.flac", 16_000, 1)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, sound(1.5, rate, channels), rate)
    (root / "speakers.csv").write_text("name,sex\nann,f\n")
    return root
