"""Where somebody speaks in a clean recording of one person, by its loudness alone."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, signal

from fastdiar.core.types import RATE, Turn

HOP = RATE // 100
BRIDGED = 30
"""Pauses (frames of 10 ms) shorter than this belong to the speech around them."""
SHORTEST = 8
"""Sounds (frames) shorter than this are clicks, not speech."""
SOFT = 3
"""Frames before and after: speech begins and ends softer than the threshold."""
LEAST_RANGE = 15.0
"""Decibels between background and loud syllables below which no threshold parts them."""


def find_speech(sound: np.ndarray) -> list[tuple[int, int]]:
    """Where the person of one clip speaks, `(start, end)` in samples; nothing where voice and background are too close.

    The threshold lies between the clip's own background and its loud syllables, on a scale of decibels: an absolute one
    would call the noise of a poor microphone speech.
    """
    level = _level(sound)
    background, loud = np.quantile(level, (0.05, 0.95))
    background = max(background, loud - 60)
    return _runs(level > background + 0.3 * (loud - background), len(sound)) if loud - background > LEAST_RANGE else []


def voice_turns(sound: np.ndarray, speaker: str) -> list[Turn]:
    """One person's turns in a recording of nobody else; where nothing parts voice and background, all of it is one."""
    runs = find_speech(sound) or [(0, len(sound))]
    return [Turn(start / RATE, end / RATE, speaker) for start, end in runs]


def _level(sound: np.ndarray) -> np.ndarray:
    """Decibels of each 10 ms, over 50 ms, in the band where speech is strong and rumble and hiss are not."""
    band = signal.sosfilt(signal.butter(2, (150, 4000), "bandpass", fs=RATE, output="sos"), sound)
    frames = np.pad(band, (0, -len(sound) % HOP)).reshape(-1, HOP)
    power = ndimage.uniform_filter1d(np.mean(frames**2, axis=1), 5, mode="nearest")
    return np.asarray(10 * np.log10(power + 1e-10))


def _runs(active: np.ndarray, samples: int) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.pad(active.astype(np.int8), 1))).reshape(-1, 2)
    joined: list[list[int]] = []
    for start, end in edges[edges[:, 1] - edges[:, 0] >= 3].tolist():
        if joined and start - joined[-1][1] < BRIDGED:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    kept = [(max(0, start - SOFT), end + SOFT) for start, end in joined if end - start >= SHORTEST]
    return [(start * HOP, min(end * HOP, samples)) for start, end in kept]
