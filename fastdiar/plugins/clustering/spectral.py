"""People among windows by spectral clustering that tunes itself.

Park et al., Auto-tuning spectral clustering for speaker diarization using normalized maximum eigengap, IEEE Signal
Processing Letters 2020 (NME-SC): of each window's affinities the p nearest count, p is where the eigengap is largest for
so few neighbours, and the gap tells the number of people.
"""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from attrs import field, validators
from scipy.cluster import hierarchy
from scipy.linalg import eigh

from fastdiar.core.clustering import Clustering, Clusters, Windows
from fastdiar.core.partitions import by_part, cut_tree, must_differ

MOST_COMPARED = 1000
"""Windows whose affinities are decomposed, which takes time with their cube; of a longer recording so many are taken, evenly."""
SURENESS = 0.37
"""The count was right in so many of 43 development recordings."""


@attrs.frozen
class SpectralConfig:
    """`[diarization.cluster] use = "spectral"`."""

    fewest_nearest: int = field(
        default=10,
        validator=validators.ge(2),
        metadata={
            "help": "windows that count as a window's nearest, itself among them, at least: those that it overlaps are near"
        },
    )
    largest_share: float = field(
        default=0.25,
        validator=[validators.gt(0), validators.le(1)],
        metadata={"help": "and at most this share of all windows, where that is more"},
    )
    trials: int = field(
        default=10, validator=validators.ge(1), metadata={"help": "numbers of nearest windows that are tried, evenly spread"}
    )
    most_speakers: int = field(
        default=10, validator=validators.ge(1), metadata={"help": "people that are looked for, where no maximum is asked for"}
    )


class Spectral(Clustering):
    """Binarise affinities at the best number of neighbours, count people by the eigengap, and cluster the eigenvectors."""

    config_class: ClassVar[type] = SpectralConfig

    def __call__(self, windows: Windows, min_speakers: int = 1, max_speakers: int | None = None) -> Clusters:
        """Label every window; where they are fewer than `min_speakers`, each is a person."""
        if len(windows) < 2:
            return Clusters(np.zeros(len(windows), int), SURENESS)
        most = max(min_speakers, self.config.most_speakers) if max_speakers is None else max_speakers
        return Clusters(by_part(windows, MOST_COMPARED, lambda part: self._labelled(part, min_speakers, most)), SURENESS)

    def _labelled(self, windows: Windows, least: int, most: int) -> np.ndarray:
        count = len(windows)
        least, most = min(least, count), min(most, count)
        affinity = windows.vectors @ windows.vectors.T
        affinity[must_differ(windows)] = -1
        order = np.argsort(-affinity, axis=1, kind="stable")
        fewest = min(self.config.fewest_nearest, count)
        largest = max(fewest, int(self.config.largest_share * count))
        tried = np.unique(np.linspace(fewest, largest, self.config.trials).astype(int))
        laplacian = min((_laplacian(order, int(nearest)) for nearest in tried), key=lambda each: _ratio(*each, most))[0]
        values, vectors = eigh(laplacian, subset_by_index=[0, min(most, count - 1)])
        # The gap after the k-th smallest value speaks for k people; beyond the last value nothing is known, and no gap counts.
        gaps = np.append(np.diff(values), 0.0)[least - 1 : most]
        people = least + int(gaps.argmax())
        return cut_tree(hierarchy.linkage(vectors[:, :people], "ward"), people)


def _laplacian(order: np.ndarray, nearest: int) -> tuple[np.ndarray, int]:
    """The graph in which each window is tied to its `nearest` nearest, as `degree - ties` `[windows, windows]`; and `nearest`.

    `order` int `[windows, windows]`: for each window all windows, the nearest first.
    """
    ties = np.zeros(order.shape)
    np.put_along_axis(ties, order[:, :nearest], 1.0, axis=1)
    ties = (ties + ties.T) / 2
    return np.diag(ties.sum(axis=1)) - ties, nearest


def _ratio(laplacian: np.ndarray, nearest: int, most: int) -> float:
    """Neighbours for a gap of one: the smaller, the clearer is the number of people for so few ties. Section III of the paper."""
    values = eigh(laplacian, eigvals_only=True)
    gap = np.diff(values[: most + 1]).max() / max(values[-1], 1e-10)
    return nearest / len(values) / max(gap, 1e-10)
