"""From frames to turns."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from fastdiar.core.bundle import Activity
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE, Turn


def turns_of(
    active: np.ndarray, confidence: np.ndarray, grid: Activity, settings: WalkSettings, seconds: float
) -> tuple[list[Turn], dict[str, int]]:
    """Turns of each person where `active` bool `[frames, people]`, and which column each name is: `speaker1`… by first turn.

    Gaps shorter than `settings.fill_gap` are closed and turns shorter than `settings.shortest_turn` dropped; `confidence` float
    `[frames, people]` is averaged over a turn; turns end at `seconds`.
    """
    found = []
    for person in range(active.shape[1]):
        for first, last in runs(active[:, person], round(settings.fill_gap * RATE / grid.hop)):
            start, end = (max(0.0, (grid.first + (frame - 0.5) * grid.hop) / RATE) for frame in (first, last + 1))
            end = min(end, seconds)
            if end - start >= settings.shortest_turn:
                sure = float(np.clip(confidence[first : last + 1, person].mean(), 0, 1))
                found.append((start, end, person, sure))
    names: dict[int, str] = {}
    for _, _, person, _ in sorted(found):
        names.setdefault(person, f"speaker{len(names) + 1}")
    turns = [Turn(round(start, 3), round(end, 3), names[person], round(sure, 3)) for start, end, person, sure in sorted(found)]
    return turns, {name: person for person, name in names.items()}


def runs(active: np.ndarray, gap: int) -> list[tuple[int, int]]:
    """First and last frame of each run of true, runs less than `gap` frames apart taken as one."""
    labels, count = ndimage.label(active)
    runs: list[tuple[int, int]] = []
    for (run,) in ndimage.find_objects(labels, count):
        if runs and run.start - runs[-1][1] - 1 < gap:
            runs[-1] = (runs[-1][0], run.stop - 1)
        else:
            runs.append((run.start, run.stop - 1))
    return runs
