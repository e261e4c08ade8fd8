"""Stable names: a cluster is who its windows were said to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

Stretch = tuple[float, float]


def numbers_of(
    labels: np.ndarray, at: np.ndarray, weights: np.ndarray, spoken: Mapping[int, Sequence[Stretch]], new: Callable[[], int]
) -> list[int]:
    """A number for each of the labels 0…: of all ways to give them out, the one that agrees most with what was `spoken` before.

    `labels` int, `at` and `weights` float, all `[moments]`: who speaks at a moment, and what that counts for. `spoken` maps each
    number to its stretches (start, end). Who agrees with nobody is `new`.
    """
    people = int(labels.max(initial=-1)) + 1
    known = list(spoken)
    shared = np.zeros((people, len(known)))
    for column, number in enumerate(known):
        said = within(at, spoken[number])
        shared[:, column] = np.bincount(labels[said], weights[said], people)
    pairs = {
        int(row): known[column]
        for row, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True)
        if shared[row, column] > 0
    }
    return [pairs[label] if label in pairs else new() for label in range(people)]


def within(at: np.ndarray, stretches: Sequence[Stretch]) -> np.ndarray:
    """Which moments lie in one of the stretches, which do not overlap: bool `[moments]`."""
    if not stretches:
        return np.zeros(len(at), bool)
    starts, ends = np.array(sorted(stretches)).T
    place = np.searchsorted(starts, at, side="right") - 1
    return (place >= 0) & (at <= ends[np.maximum(place, 0)])
