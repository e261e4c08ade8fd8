"""Who is active in a frame: the powerset's classes and what follows from them."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np


@cache
def powerset(speakers: int, at_once: int) -> np.ndarray:
    """Which local speakers each class means, float32 `[classes, speakers]`: nobody, one alone, two together…

    Plaquet and Bredin, Powerset multi-class cross entropy loss, Interspeech 2023.

    >>> powerset(3, 2).astype(int).tolist()
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]]
    """
    groups = [group for size in range(at_once + 1) for group in combinations(range(speakers), size)]
    return np.array([[speaker in group for speaker in range(speakers)] for group in groups], dtype=np.float32)


def likeliest(activity: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Which local speakers the likeliest class of each frame means: `[frames, classes]` → bool `[frames, speakers]`."""
    active: np.ndarray = classes[activity.argmax(axis=1)] > 0
    return active


def solo(active: np.ndarray) -> np.ndarray:
    """The local speaker who speaks alone in each frame, or -1: bool `[frames, speakers]` → int `[frames]`."""
    return np.where(active.sum(axis=1) == 1, active.argmax(axis=1), -1)
