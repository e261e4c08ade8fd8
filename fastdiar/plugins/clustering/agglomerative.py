"""People among windows by average linkage on cosines, up to one distance: the plain clustering that others are held against."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from attrs import field, validators

from fastdiar.core.clustering import Clustering, Clusters, Windows
from fastdiar.core.partitions import agglomerate, centroids, drop_small, reassign

SURENESS = 0.33
"""The count was right in so many of 43 development recordings."""


@attrs.frozen
class AgglomerativeConfig:
    """`[diarization.cluster] use = "agglomerative"`."""

    distance: float = field(
        default=0.6, validator=validators.gt(0), metadata={"help": "cosine distance up to which clusters join"}
    )
    least_share: float = field(
        default=0.02,
        validator=[validators.ge(0), validators.lt(1)],
        metadata={"help": "a person speaks at least this share of all speech"},
    )
    least_seconds: float = field(default=1.5, validator=validators.ge(0), metadata={"help": "and at least so long (seconds)"})


class Agglomerative(Clustering):
    """Join the nearest clusters; two local speakers of one chunk are far apart; small clusters go to the nearest."""

    config_class: ClassVar[type] = AgglomerativeConfig

    def __call__(self, windows: Windows, min_speakers: int = 1, max_speakers: int | None = None) -> Clusters:
        """Label every window; where they are fewer than `min_speakers`, each is a person."""
        if len(windows) < 2:
            return Clusters(np.zeros(len(windows), int), SURENESS)
        config = self.config
        labels = agglomerate(windows, config.distance)
        labels = drop_small(windows, labels, config.least_share, config.least_seconds, min_speakers)
        if labels.max() + 1 < min_speakers:
            labels = agglomerate(windows, config.distance, people=min_speakers)
        elif max_speakers is not None and labels.max() + 1 > max_speakers:
            labels = _joined(windows, labels, max_speakers)
        return Clusters(reassign(windows.vectors, labels), SURENESS)

    def with_newcomers(self) -> Clustering:
        """The same with `least_share` and `least_seconds` of 0."""
        return type(self)(attrs.evolve(self.config, least_share=0.0, least_seconds=0.0), self.backend)


def _joined(windows: Windows, labels: np.ndarray, people: int) -> np.ndarray:
    """Clusters joined by their mean directions until they are so many: single odd windows do not count as people then."""
    voices = centroids(windows.vectors, labels)
    each = np.arange(len(voices))
    return agglomerate(Windows(voices, np.bincount(labels, windows.seconds), each, each), np.inf, people)[labels]
