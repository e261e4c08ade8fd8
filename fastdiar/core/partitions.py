"""Partitions of windows into people: the steps that several clusterings share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.cluster import hierarchy

from fastdiar.core.clustering import Windows

MOST_COMPARED = 3000
"""Windows that linkage compares, all with all; of a longer recording so many are taken, evenly."""
MOST_CLUSTERS = 500
"""Clusters that a distance gives at most: what follows takes time with the square of their number."""
CANNOT_LINK = 1.5
"""Cosine distance, at least, between two windows that must be of two people."""
REASSIGNMENTS = 3


def agglomerate(windows: Windows, distance: float, people: int | None = None) -> np.ndarray:
    """Average linkage on cosine distance up to `distance`, or to just so many `people`: labels int `[windows]`.

    Two local speakers of one chunk are two people. Beyond `MOST_COMPARED` windows the others join the nearest cluster.
    """

    def linked(part: Windows) -> np.ndarray:
        distances = 1 - part.vectors @ part.vectors.T
        apart = must_differ(part)
        distances[apart] = np.maximum(distances[apart], CANNOT_LINK)
        tree = hierarchy.linkage(np.maximum(distances[np.triu_indices(len(part), 1)], 0), "average")
        count = min(MOST_CLUSTERS, int((tree[:, 2] > distance).sum()) + 1) if people is None else people
        return cut_tree(tree, min(count, len(part)))

    return by_part(windows, MOST_COMPARED, linked)


def by_part(windows: Windows, most: int, labelled: Callable[[Windows], np.ndarray]) -> np.ndarray:
    """What `labelled` makes of `most` windows at most, evenly taken; the others join the nearest cluster: int `[windows]`."""
    if len(windows) <= most:
        return labelled(windows)
    part, some = evenly(windows, most)
    return spread(windows, some, labelled(part))


def evenly(windows: Windows, most: int) -> tuple[Windows, np.ndarray]:
    """`most` windows at most, evenly taken, and which they are: int `[windows taken]`."""
    some = np.linspace(0, len(windows) - 1, min(most, len(windows))).astype(int)
    return Windows(windows.vectors[some], windows.seconds[some], windows.chunk[some], windows.local[some]), some


def spread(windows: Windows, some: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Labels of all windows from those `found` for `some`: the others join the nearest cluster."""
    labels: np.ndarray = (windows.vectors @ centroids(windows.vectors[some], found).T).argmax(axis=1)
    labels[some] = found  # so that no cluster is lost
    return labels


def must_differ(windows: Windows) -> np.ndarray:
    """Which pairs of windows are of two local speakers of one chunk: bool `[windows, windows]`."""
    apart: np.ndarray = (windows.chunk[:, None] == windows.chunk) & (windows.local[:, None] != windows.local)
    return apart


def cut_tree(tree: np.ndarray, people: int) -> np.ndarray:
    """The so many clusters of a linkage tree: labels int `[windows]`."""
    labels: np.ndarray = hierarchy.cut_tree(tree, people)[:, 0]
    return labels


def people_at_once(windows: Windows, different: float, seconds: float = 1.0) -> int:
    """The most people one chunk shows for sure: local speakers with `seconds` of solo speech and cosines below `different`."""
    most = 1
    for chunk in np.unique(windows.chunk):
        here = np.flatnonzero(windows.chunk == chunk)
        clear = [
            mine
            for mine in (here[windows.local[here] == local] for local in np.unique(windows.local[here]))
            if windows.seconds[mine].sum() >= seconds
        ]
        if len(clear) > most:
            voices = centroids(
                windows.vectors[np.concatenate(clear)], np.repeat(np.arange(len(clear)), [len(mine) for mine in clear])
            )
            most = max(most, _largest_group(voices @ voices.T < different))
    return most


def drop_small(windows: Windows, labels: np.ndarray, share: float, seconds: float, least: int) -> np.ndarray:
    """Clusters with less speech than `share` of all and `seconds` go to the nearest; the `least` largest always stay."""
    spoken = np.bincount(labels, windows.seconds) / 2  # windows half overlap
    keep = np.flatnonzero(spoken >= max(seconds, share * spoken.sum()))
    if len(keep) < least:
        keep = np.sort(np.argsort(-spoken, kind="stable")[:least])
    kept = np.isin(labels, keep)
    voices = centroids(windows.vectors[kept], renumbered(labels[kept]))
    nearest = keep[(windows.vectors @ voices.T).argmax(axis=1)]
    return renumbered(np.where(kept, labels, nearest))


def reassign(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Spherical k-means from `labels`: each window goes to the person whose mean is nearest. No person is lost."""
    for _ in range(REASSIGNMENTS):
        moved: np.ndarray = (vectors @ centroids(vectors, labels).T).argmax(axis=1)
        if len(np.unique(moved)) <= labels.max():
            return labels
        labels = moved
    return labels


def centroids(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean direction of each cluster, `[people, dim]`, of unit length."""
    sums = sums_of(vectors, labels, labels.max() + 1)
    directions: np.ndarray = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return directions


def sums_of(vectors: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """The sum of each of `count` clusters' vectors, `[count, dim]`; `np.add.at`, ten times as fast."""
    members = sparse.csr_array((np.ones(len(labels)), (labels, np.arange(len(labels)))), (count, len(labels)))
    sums: np.ndarray = members @ vectors.astype(np.float64)
    return sums


def renumbered(labels: np.ndarray) -> np.ndarray:
    """The same clusters, numbered from 0 without gaps."""
    numbered: np.ndarray = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    return numbered


def _largest_group(different: np.ndarray) -> int:
    """The size of the largest set in which all differ; `different` bool `[speakers, speakers]` is of few speakers."""
    count, best = len(different), 1
    for members in range(1, 1 << count):
        chosen = [speaker for speaker in range(count) if members >> speaker & 1]
        if len(chosen) > best and all(different[a, b] for a in chosen for b in chosen if a < b):
            best = len(chosen)
    return best
