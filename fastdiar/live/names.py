"""Stable names: a cluster is who its windows were said to be, at first and since."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from fastdiar.core.sessions import Stretch


def numbers_of(
    labels: np.ndarray,
    at: np.ndarray,
    weights: np.ndarray,
    accounts: Sequence[Mapping[int, Sequence[Stretch]]],
    new: Callable[[], int],
) -> list[int]:
    """A number for each of the labels 0…: of all ways to give them out, the one that agrees most with the `accounts` in sum.

    `labels` int, `at` and `weights` float, all `[moments]`: who speaks at a moment, and what that counts for. An account of
    what was said before maps numbers to their stretches (start, end). Who agrees with nobody is `new`.
    """
    people = int(labels.max(initial=-1)) + 1
    known = list(dict.fromkeys(number for account in accounts for number in account))
    shared = np.zeros((people, len(known)))
    for account in accounts:
        for number, stretches in account.items():
            said = within(at, stretches)
            shared[:, known.index(number)] += np.bincount(labels[said], weights[said], people)
    pairs = {
        int(row): known[column]
        for row, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True)
        if shared[row, column] > 0
    }
    return [pairs[label] if label in pairs else new() for label in range(people)]


def within(at: np.ndarray, stretches: Sequence[Stretch]) -> np.ndarray:
    """Which moments lie in one of the stretches: bool `[moments]`."""
    if not stretches:
        return np.zeros(len(at), bool)
    starts, ends = np.array(sorted(stretches)).T
    place = np.searchsorted(starts, at, side="right") - 1
    return (place >= 0) & (at <= np.maximum.accumulate(ends)[np.maximum(place, 0)])
