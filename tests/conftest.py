"""What tests share: the real speech beside the checkout, where it is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real speech and teacher networks beside the checkout; skips the test where it is absent."""
    if not (SHARED / "data" / "MANIFEST.tsv").is_file():
        pytest.skip("needs the folder ../shared with real speech, which is not here")
    return SHARED


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus of made-up voices: `SPEAKER/SESSION/N.wav`, four speakers with two sessions of four utterances each."""
    root, random = tmp_path_factory.mktemp("voices"), np.random.default_rng(0)
    for number, pitch in enumerate((90, 130, 180, 240)):
        for name in (f"{session}/{take}.wav" for session in ("monday", "tuesday") for take in range(4)):
            path = root / f"voice{number}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, voice(pitch * random.uniform(0.95, 1.05), random.uniform(0.8, 1.6), random), 16_000)
    return root


def voice(pitch: float, seconds: float, random: np.random.Generator) -> np.ndarray:
    """A buzz of harmonics in syllables, float32 `[samples]` at 16 kHz: enough like a voice to tell pitches apart."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    buzz = sum(np.sin(2 * np.pi * pitch * harmonic * time + random.uniform(0, 6)) / harmonic for harmonic in range(1, 12))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * random.uniform(3, 5) * time)
    return (0.1 * buzz * syllables + 0.003 * random.normal(size=len(time))).astype(np.float32)
