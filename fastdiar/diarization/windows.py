"""Short windows of one local speaker's solo speech: what is embedded and clustered.

Labels for windows of a second, not for whole local speakers: a local speaker of ten seconds often holds two people.
"""

from __future__ import annotations

import numpy as np


def solo_windows(
    solo: np.ndarray, speakers: int, length: int, step: int, shortest: int, pause: int
) -> tuple[np.ndarray, np.ndarray]:
    """Windows over the frames where one local speaker speaks alone.

    `solo` int `[frames]` is the local speaker of each frame or -1. Each speaker's frames are strung together, cut where a
    silence of `pause` frames or more lies between, and covered by windows of `length` frames every `step` frames; what is
    shorter makes a window of its own from `shortest` frames on.
    Returns weights float32 `[windows, frames]` of 0 and 1, and the local speaker of each window int `[windows]`.
    """
    members, locals_ = [], []
    for speaker in range(speakers):
        spoken = np.flatnonzero(solo == speaker)
        for stretch in np.split(spoken, np.flatnonzero(np.diff(spoken) > pause) + 1):
            for first in _window_starts(len(stretch), length, step, shortest):
                members.append(stretch[first : first + length])
                locals_.append(speaker)
    weights = np.zeros((len(members), len(solo)), np.float32)
    for row, frames in zip(weights, members, strict=True):
        row[frames] = 1
    return weights, np.array(locals_, dtype=int)


def unclear_voices(active: np.ndarray, clear: np.ndarray, shortest: int) -> tuple[np.ndarray, np.ndarray]:
    """All frames of each local speaker who has no window: of whom never speaks alone, or hardly.

    `active` bool `[frames, speakers]`; `clear` int: local speakers with windows; fewer than `shortest` frames say nothing.
    Returns weights float32 `[voices, frames]` of 0 and 1, and the local speaker of each int `[voices]`.
    """
    unclear = [
        speaker for speaker in range(active.shape[1]) if speaker not in clear and active[:, speaker].sum() >= max(shortest, 1)
    ]
    return active[:, unclear].T.astype(np.float32), np.array(unclear, dtype=int)


def _window_starts(frames: int, length: int, step: int, shortest: int) -> list[int]:
    if frames <= length:
        return [0] if frames >= shortest else []
    starts = list(range(0, frames - length + 1, step))
    return starts if starts[-1] + length == frames else [*starts, frames - length]
