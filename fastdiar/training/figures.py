"""Figures of an epoch, summed up over its clips."""

from __future__ import annotations

import math
from collections.abc import Mapping


def add(sums: dict[str, list[float]], figures: Mapping[str, float], clips: int) -> None:
    """Add a batch's figures: for each name the sum over clips, and of how many."""
    for name, value in figures.items():
        total = sums.setdefault(name, [0.0, 0.0])
        total[0] += value * clips
        total[1] += clips


def mean_of(sums: Mapping[str, list[float]]) -> dict[str, float]:
    """The mean of each figure over the clips that were added."""
    return {name: total / clips for name, (total, clips) in sums.items()}


def merit(figures: Mapping[str, float]) -> float:
    """What makes an epoch the best: the first loss's accuracy where clips have classes, else a low loss.

    Of frames it is their probabilities that are used, which a loss says more of than an accuracy.
    """
    return next((value for name, value in figures.items() if name.endswith(".accuracy")), -figures.get("loss", math.inf))
