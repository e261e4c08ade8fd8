"""Voices made up of harmonics: enough like speech to try data and training on, where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from fastdiar.core.types import RATE

PITCHES = (90, 130, 180, 240)


def voice(pitch: float, seconds: float, random: np.random.Generator) -> np.ndarray:
    """A buzz of harmonics in syllables, float32 `[samples]` at 16 kHz, at about `pitch` Hz."""
    time = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * pitch * harmonic * time + random.uniform(0, 6)) / harmonic for harmonic in range(1, 12))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * random.uniform(3, 5) * time)
    return (0.1 * buzz * syllables + 0.003 * random.normal(size=len(time))).astype(np.float32)


def write_voices(folder: str | Path, speakers: int = 4, name: str = "voice{speaker}/{session}/{take}.wav") -> None:
    """Write eight utterances of about a second of each speaker into `folder`, in two sessions: "monday" and "tuesday"."""
    random = np.random.default_rng(0)
    for speaker in range(speakers):
        for session in ("monday", "tuesday"):
            for take in range(4):
                path = Path(folder) / name.format(speaker=speaker, session=session, take=take)
                path.parent.mkdir(parents=True, exist_ok=True)
                pitch = PITCHES[speaker % len(PITCHES)] * random.uniform(0.95, 1.05)
                soundfile.write(path, voice(pitch, random.uniform(0.8, 1.6), random), RATE)
