"""What every clustering promises."""

from __future__ import annotations

import numpy as np

from fastdiar.core.clustering import Clusters, Windows
from fastdiar.testing.subject import Subject, hold

DIM = 48
SPREAD = 0.07
"""Of each of `DIM` numbers: windows of one person then have a cosine of about 0.8."""


def finds_people_well_apart(subject: Subject) -> None:
    """People whose windows are far apart are all found, one to six of them."""
    for people in range(1, 7):
        heard, who = _meeting(people, 120)
        found = _clustered(subject, heard)
        same = ((found.labels[:, None] == found.labels) == (who[:, None] == who)).all()
        hold(bool(same), f"{len(np.unique(found.labels))} people where there are {people}, or windows with the wrong one")
        hold(0 < found.probability <= 1, f"a probability of {found.probability}")


def keeps_the_bounds(subject: Subject) -> None:
    """The number of people lies in the bounds asked for, whatever the windows say."""
    heard, _ = _meeting(4, 80)
    for least, most in ((1, 1), (1, 2), (2, 2), (6, 6), (5, 8), (5, None)):
        count = len(np.unique(_clustered(subject, heard, least, most).labels))
        hold(least <= count <= (most or 80), f"{count} people where {least} to {most or 'any number'} were asked for")


def does_not_depend_on_the_order(subject: Subject) -> None:
    """Windows in another order belong to the same people."""
    heard, _ = _meeting(4, 80)
    order = np.random.default_rng(1).permutation(80)
    mixed = Windows(heard.vectors[order], heard.seconds[order], heard.chunk[order], heard.local[order])
    one, other = _clustered(subject, heard).labels[order], _clustered(subject, mixed).labels
    hold(bool(((one[:, None] == one) == (other[:, None] == other)).all()), "other people")


def takes_few_windows(subject: Subject) -> None:
    """No window is nobody, one window and equal windows are one person; labels count from 0 without a gap."""
    for count in (0, 1, 40):
        heard = _windows(_unit(np.ones((count, DIM))))
        labels = _clustered(subject, heard).labels
        hold(labels.shape == (count,) and not labels.any(), f"labels {labels.tolist()[:5]} of shape {labels.shape} for {count}")


PROMISES = (finds_people_well_apart, keeps_the_bounds, does_not_depend_on_the_order, takes_few_windows)


def _clustered(subject: Subject, heard: Windows, least: int = 1, most: int | None = None) -> Clusters:
    found: Clusters = subject.build({})(heard, least, most)
    return found


def _meeting(people: int, count: int) -> tuple[Windows, np.ndarray]:
    """Windows of so many people around random directions, and whose each is."""
    random = np.random.default_rng(people)
    voices, who = _unit(random.standard_normal((people, DIM))), np.arange(count) % people
    return _windows(_unit(voices[who] + SPREAD * random.standard_normal((count, DIM)))), who


def _windows(vectors: np.ndarray) -> Windows:
    """Windows of a second, each of a chunk of its own."""
    count = len(vectors)
    return Windows(vectors, np.ones(count), np.arange(count), np.zeros(count, int))


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / length, np.float32)
