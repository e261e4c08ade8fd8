"""Voices that are never alone long enough for a window: whose are they?

What is heard there is a mixture. The person who speaks beside such a voice is known, and is taken out of it first.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from fastdiar.core.bundle import Activity
from fastdiar.core.clustering import Windows
from fastdiar.core.partitions import centroids
from fastdiar.core.powerset import likeliest, powerset
from fastdiar.diarization.hear import Heard
from fastdiar.diarization.stitch import nearness

NEARBY = 0.3
"""Cosine that it is worth to have spoken just then; half of that a second away."""


def with_unclear(
    heard: Sequence[Heard], windows: Windows, labels: np.ndarray, activity: Activity
) -> tuple[list[Heard], np.ndarray]:
    """Each chunk with its unclear voices after its windows (`local` and `centre` alone), and the people of all of these.

    `windows` are those of all chunks, `labels` int `[windows]` their people.
    """
    if labels.max(initial=0) == 0:
        return list(heard), labels
    voices = centroids(windows.vectors, labels)
    centre, middles = (np.concatenate([each.centre for each in voiced]) for voiced in (heard, [chunk.unclear for chunk in heard]))
    near = NEARBY * nearness(centre, labels, len(voices), middles)
    whole, people = [], []
    for chunk, mine, close in zip(
        heard,
        _parted(labels, [chunk.local for chunk in heard]),
        _parted(near, [chunk.unclear.local for chunk in heard]),
        strict=True,
    ):
        unclear = chunk.unclear
        found = [
            _likest(vector, voices, lately, _beside(chunk, mine, speaker, middle, activity))
            for vector, speaker, middle, lately in zip(unclear.vectors, unclear.local, unclear.centre, close, strict=True)
        ]
        local = np.concatenate([chunk.local, unclear.local])
        whole.append(attrs.evolve(chunk, local=local, centre=np.concatenate([chunk.centre, unclear.centre])))
        people += [mine, np.array(found, int)]
    return whole, np.concatenate(people)


def _parted(rows: np.ndarray, chunks: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Rows of all chunks in order, parted into those of each: as many as it has voices."""
    return np.split(rows, np.cumsum([len(local) for local in chunks])[:-1])


def _beside(chunk: Heard, labels: np.ndarray, local: int, middle: float, activity: Activity) -> int | None:
    """The person who speaks most at the same time as a local speaker, by their window nearest to the `middle` of that."""
    active = likeliest(chunk.activity, powerset(activity.speakers, activity.at_once))
    shared = active[active[:, local]].sum(axis=0)  # frames [local speakers]
    shared[~np.isin(np.arange(len(shared)), chunk.local)] = 0
    shared[local] = 0
    if not shared.any():
        return None
    theirs = np.flatnonzero(chunk.local == shared.argmax())
    return int(labels[theirs[np.abs(chunk.centre[theirs] - middle).argmin()]])


def _likest(vector: np.ndarray, voices: np.ndarray, near: np.ndarray, beside: int | None) -> int:
    """Whose of `voices` `[people, dim]` a vector is: by cosine without what the person `beside` has in both, and by `near`."""
    if beside is None:
        return int((voices @ vector + near).argmax())
    other = voices[beside]
    rest = voices - np.outer(voices @ other, other)
    rest /= np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-6)
    likeness = rest @ (vector - (vector @ other) * other) + near
    likeness[beside] = -np.inf
    return int(likeness.argmax())
