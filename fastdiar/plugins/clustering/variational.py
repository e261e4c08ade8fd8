"""People among windows: an agglomerative start, variational Bayes refinement, and a count found from the recording itself.

The refinement is the Gaussian mixture of VBx without its hidden Markov model (Landini et al., Bayesian HMM clustering of
x-vector sequences, Computer Speech & Language 2022, section 2), on vectors whitened by the bundle's PLDA.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from attrs import field, validators
from scipy.special import softmax

from fastdiar.core.clustering import Clustering, Clusters, Windows
from fastdiar.core.errors import ModelError
from fastdiar.core.partitions import agglomerate, drop_small, evenly, people_at_once, reassign, renumbered, spread, sums_of

PLDA = ("plda_mean", "plda_transform", "plda_between")
ROUNDS = 20
START_SURENESS = 7.0
"""Log odds of a window's first cluster over any other, before the refinement."""
MOST_REFINED = 6000
"""Windows that are refined, evenly taken: about an hour's. Of more, each would count for too little to tell people apart."""
LEAST_WINDOWS = 0.1
"""A person who is left with fewer windows, in all shares, is given up."""
EXPECTED_WITHIN, EXPECTED_PAIRS = 0.6, 4
"""What the mean cosine within a cluster is taken for before it is seen, and how many pairs that guess counts for."""
OTHER_EVIDENCE = (2 / 3, 3 / 2)
"""The number of people is found twice more, with evidence so much as strong."""
SURE = (0.32, 0.39, 0.71)
"""How often the number was right where none, one and both of these agreed with it: 239 development and simulated recordings, by
two models (docs/results.md)."""


@attrs.frozen
class VariationalConfig:
    """`[diarization.cluster] use = "variational"`."""

    start: float = field(
        default=0.48, validator=validators.gt(0), metadata={"help": "cosine distance up to which clusters start as one"}
    )
    evidence: float = field(
        default=0.6,
        validator=validators.gt(0),
        metadata={"help": "weight of each window's evidence (Fa): windows overlap, so below 1"},
    )
    enough: int = field(
        default=800,
        validator=validators.ge(1),
        metadata={
            "help": "windows whose evidence is believed in full; of more, each counts less, or people fall apart in long ones"
        },
    )
    thrift: float = field(default=7.0, validator=validators.gt(0), metadata={"help": "reluctance to model another person (Fb)"})
    same: float = field(
        default=0.76,
        validator=validators.gt(0),
        metadata={"help": "two clusters are one person where their cosine reaches this share of that within"},
    )
    least_cosine: float = field(default=0.3, metadata={"help": "and at least this cosine"})
    least_share: float = field(
        default=0.02,
        validator=[validators.ge(0), validators.lt(1)],
        metadata={"help": "a person speaks at least this share of all speech"},
    )
    least_seconds: float = field(default=1.5, validator=validators.ge(0), metadata={"help": "and at least so long (seconds)"})
    different: float = field(
        default=0.4, metadata={"help": "two local speakers of a chunk below this cosine are surely two people"}
    )


class Variational(Clustering):
    """Start from small pure clusters, refine them, join what the recording itself shows to be one voice."""

    config_class: ClassVar[type] = VariationalConfig

    def __init__(self, config: Any, backend: dict[str, np.ndarray]) -> None:
        """Check the PLDA in `backend`, where there is one; raises `ModelError`."""
        super().__init__(config, backend)
        if any(name in backend for name in PLDA):
            _check_plda(backend)

    def __call__(self, windows: Windows, min_speakers: int = 1, max_speakers: int | None = None) -> Clusters:
        """Label every window; where they are fewer than `min_speakers`, each is a person. Raises `ModelError`: another's PLDA."""
        if len(windows) < 2:
            return Clusters(np.zeros(len(windows), int), SURE[-1])
        config = self.config
        most = max_speakers or len(windows)
        least = max(min_speakers, min(people_at_once(windows, config.different), most))
        part, some = evenly(windows, MOST_REFINED)
        begun = agglomerate(part, config.start)
        labels = spread(windows, some, self._refine(part.vectors, begun, config.evidence))
        labels = self._natural(windows, labels, least)
        if labels.max() + 1 > most:
            labels = self._merge(windows, labels, most, force=True)
        if labels.max() + 1 < least:
            labels = agglomerate(windows, config.start, people=least)
        others = [self._natural(part, self._refine(part.vectors, begun, config.evidence * by), least) for by in OTHER_EVIDENCE]
        agree = sum(min(other.max() + 1, most) == labels.max() + 1 for other in others)
        return Clusters(reassign(windows.vectors, labels), SURE[agree])

    def with_newcomers(self) -> Clustering:
        """The same with `least_share` and `least_seconds` of 0."""
        return type(self)(attrs.evolve(self.config, least_share=0.0, least_seconds=0.0), self.backend)

    def _natural(self, windows: Windows, labels: np.ndarray, least: int) -> np.ndarray:
        """What refined clusters come to: those of one voice joined, those that hardly speak given to others."""
        labels = self._merge(windows, labels, least)
        return drop_small(windows, labels, self.config.least_share, self.config.least_seconds, least)

    def _refine(self, vectors: np.ndarray, labels: np.ndarray, evidence: float) -> np.ndarray:
        """Variational Bayes: people who explain too little lose their windows to others. Without a PLDA, `labels` as they are."""
        if "plda_transform" not in self.backend:
            return labels
        if len(self.backend["plda_mean"]) != vectors.shape[1]:
            raise ModelError(
                f"the PLDA is of {len(self.backend['plda_mean'])} numbers a voice, the model gives {vectors.shape[1]}"
            )
        between = self.backend["plda_between"]  # variance between people, where that within is 1: [dim]
        whitened = whiten(vectors, self.backend)
        scaled = whitened * np.sqrt(between)
        evidence = evidence * min(1.0, self.config.enough / len(vectors))
        ratio = evidence / self.config.thrift
        people = labels.max() + 1
        shares = softmax(START_SURENESS * np.eye(people, dtype=np.float32)[labels], axis=1)  # [windows, people]
        prior = np.full(people, 1 / people, np.float32)
        for _ in range(ROUNDS):
            variance = 1 / (1 + ratio * shares.sum(axis=0)[:, None] * between)
            mean = ratio * variance * (shares.T @ scaled)
            log_likelihood = evidence * (scaled @ mean.T - 0.5 * ((variance + mean**2) @ between))
            shares = softmax(log_likelihood + np.log(prior + 1e-12), axis=1)
            shares = shares[:, shares.sum(axis=0) > LEAST_WINDOWS]
            prior = shares.mean(axis=0)
        return renumbered(shares.argmax(axis=1))

    def _merge(self, windows: Windows, labels: np.ndarray, least: int, force: bool = False) -> np.ndarray:
        """Join the most alike pair while it is one voice, or by `force`, down to `least`."""
        sums = pair_sums(windows, labels)
        while labels.max() + 1 > max(least, 1):
            alike = self._alike(sums)
            one, other = np.unravel_index(alike.argmax(), alike.shape)
            if not force and alike[one, other] <= 0:
                break
            labels, sums = renumbered(np.where(labels == other, one, labels)), _join(sums, one, other)
        return labels

    def _alike(self, sums: np.ndarray) -> np.ndarray:
        """How far each pair of clusters is above the threshold for one voice, `[people, people]`; lowest on the diagonal.

        Cosine levels depend on how a recording was made, so a pair's mean cosine is held against that within its two clusters.
        Windows of one local speaker in one chunk share frames, and are not compared.
        """
        across, within = mean_cosines(sums)
        alike = np.minimum(across / ((within[:, None] + within) / 2) - self.config.same, across - self.config.least_cosine)
        np.fill_diagonal(alike, -np.inf)
        return alike


def _check_plda(backend: dict[str, np.ndarray]) -> None:
    """That all of a PLDA is there, `plda_mean [dim]`, `plda_transform [dim, kept]`, `plda_between [kept]`."""
    missing = [name for name in PLDA if name not in backend]
    if missing:
        raise ModelError(f"{missing[0]}: missing: a PLDA is {', '.join(PLDA)}")
    mean, transform, between = (backend[name].shape for name in PLDA)
    if len(mean) != 1 or len(between) != 1 or transform != mean + between:
        shapes = ", ".join(f"{name} {list(backend[name].shape)}" for name in PLDA)
        raise ModelError(f"expected plda_mean [dim], plda_transform [dim, kept], plda_between [kept], got {shapes}")


def whiten(vectors: np.ndarray, backend: dict[str, np.ndarray]) -> np.ndarray:
    """Unit vectors `[windows, dim]` in the space of the PLDA, where the variance within a person is 1 in every direction."""
    centred = vectors - backend["plda_mean"]
    return centred / np.linalg.norm(centred, axis=1, keepdims=True) * centred.shape[1] ** 0.5 @ backend["plda_transform"]


def mean_cosines(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean cosine of window pairs across each two clusters `[people, people]`, and within each `[people]`, from `pair_sums`."""
    all_cosines, all_pairs, far_cosines, far_pairs = sums
    across = np.where(far_pairs > 0.5, far_cosines / np.maximum(far_pairs, 1), all_cosines / all_pairs)
    own_cosines, own_pairs = np.diag(far_cosines), np.diag(far_pairs)
    return across, (own_cosines + EXPECTED_WITHIN * EXPECTED_PAIRS) / (own_pairs + EXPECTED_PAIRS)


def pair_sums(windows: Windows, labels: np.ndarray) -> np.ndarray:
    """Sums over pairs of windows of each two clusters, `[4, people, people]`: their cosines and number, then of far pairs alone.

    Windows of one local speaker in one chunk are near, all others far. Sums over pairs are products of sums of vectors, so
    this is linear in the number of windows.
    """
    people = labels.max() + 1
    streams, stream = np.unique(np.stack([windows.chunk, windows.local]), axis=1, return_inverse=True)
    sums, counts = sums_of(windows.vectors, labels, people), np.bincount(labels, minlength=people).astype(float)
    all_cosines, all_pairs = sums @ sums.T, np.outer(counts, counts)
    # Per stream (a local speaker of a chunk) and cluster: what is to be left out.
    keys, place = np.unique(stream.ravel() * people + labels, return_inverse=True)
    near_sums, near_counts = sums_of(windows.vectors, place, len(keys)), np.bincount(place).astype(float)
    near_cosines, near_pairs = np.zeros_like(all_cosines), np.zeros_like(all_pairs)
    for number in range(streams.shape[1]):
        here = slice(*np.searchsorted(keys, [number * people, (number + 1) * people]))
        who = np.ix_(keys[here] % people, keys[here] % people)
        near_cosines[who] += near_sums[here] @ near_sums[here].T
        near_pairs[who] += np.outer(near_counts[here], near_counts[here])
    return np.stack([all_cosines, all_pairs, all_cosines - near_cosines, all_pairs - near_pairs])


def _join(sums: np.ndarray, one: int, other: int) -> np.ndarray:
    """`pair_sums` once cluster `other` is part of `one`."""
    sums[:, one] += sums[:, other]
    sums[:, :, one] += sums[:, :, other]
    return np.delete(np.delete(sums, other, 1), other, 2)
