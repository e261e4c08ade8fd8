"""Errors of a detector of one voice: EER, minDCF and the DET curve from the scores of its trials.

minDCF: NIST 2016 Speaker Recognition Evaluation Plan, with costs of 1. DET: Martin et al., The DET Curve in Assessment of
Detection Task Performance, Eurospeech 1997.
"""

from __future__ import annotations

import attrs
import numpy as np

from fastdiar.evaluation.intervals import CONFIDENCE, Interval

RESAMPLES = 200
"""Fewer than elsewhere: each of them goes through all trials."""


@attrs.frozen(eq=False)
class Trials:
    """`scores` float `[trials]`; `same` bool `[trials]`: one voice; `speakers` int `[trials, 2]`: whose the two clips are."""

    scores: np.ndarray
    same: np.ndarray
    speakers: np.ndarray


@attrs.frozen(eq=False)
class Rates:
    """At each threshold, from the lowest: `missed`, the share of same-voice trials below it, and `accepted`, of the others at or
    above it, float `[thresholds]`."""

    missed: np.ndarray
    accepted: np.ndarray

    @property
    def eer(self) -> float:
        """Where both are equal."""
        nearest = int(np.argmin(np.abs(self.missed - self.accepted)))
        return float((self.missed[nearest] + self.accepted[nearest]) / 2)

    def min_dcf(self, p_target: float) -> float:
        """The least cost where so many trials are of one voice; 1 is that of always saying the same."""
        cost = p_target * self.missed + (1 - p_target) * self.accepted
        return float(cost.min() / min(p_target, 1 - p_target))


def rates(trials: Trials) -> Rates:
    """Miss and false acceptance at every threshold; there must be trials of both sorts."""
    return _Sorted(trials).rates(np.ones(len(trials.scores)))


def eer_interval(trials: Trials, seed: int = 0) -> Interval | None:
    """The EER's interval, resampling speakers: a trial counts as often as both of its speakers were drawn together.

    None where there are fewer than two speakers with trials of both sorts in nearly every draw.
    """
    people, index = np.unique(trials.speakers, return_inverse=True)
    one, other = index.reshape(-1, 2).T
    ordered, random, found = _Sorted(trials), np.random.default_rng(seed), []
    for _ in range(RESAMPLES):
        drawn = np.bincount(random.integers(len(people), size=len(people)), minlength=len(people))
        weights = np.where(one == other, drawn[one], drawn[one] * drawn[other]).astype(float)
        if weights[trials.same].any() and weights[~trials.same].any():
            found.append(ordered.rates(weights).eer)
    if len(found) < CONFIDENCE * RESAMPLES:
        return None
    low, high = np.quantile(found, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Interval(float(low), float(high))


class _Sorted:
    """Trials sorted by score once, to be weighted often."""

    def __init__(self, trials: Trials) -> None:
        self._order = np.argsort(trials.scores)
        scores = trials.scores[self._order]
        self._same = trials.same[self._order]
        self._last = np.flatnonzero(np.append(scores[1:] > scores[:-1], True))  # of each run of equal scores

    def rates(self, weights: np.ndarray) -> Rates:
        """Rates where a trial counts so often; `weights` float `[trials]`."""
        weights = weights[self._order]
        below = [np.append(0, np.cumsum(weights * of_sort)[self._last]) for of_sort in (self._same, ~self._same)]
        missed, rejected = (part / part[-1] for part in below)
        return Rates(missed, 1 - rejected)
