"""Which of the training speakers is it: accuracy, F1, confusions and latency on utterances that were held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError, ModelError
from fastdiar.diarization.model import Model
from fastdiar.evaluation.intervals import Interval, ratio_interval
from fastdiar.evaluation.latency import Latency, clip_latency

TIMED = 20
"""Utterances kept to take the time on."""


@attrs.frozen
class Accuracy:
    """`accuracy` and `macro_f1` (0…1) over so many utterances of so many speakers; `interval` is accuracy's, by speaker."""

    utterances: int
    speakers: int
    accuracy: float
    macro_f1: float
    interval: Interval | None = None


@attrs.frozen
class Confusion:
    """So many utterances of `speaker` were taken for `guessed`, who may be the same."""

    speaker: str
    guessed: str
    utterances: int


@attrs.frozen
class ClosedSet:
    """Figures over everything and by `corpus` label.

    `f1` is each speaker's, of those that were heard or guessed; `confusions` is the confusion matrix without its zeros. `unknown`
    utterances are of speakers the model has no class for, `unreadable` ones could not be read: neither counts.
    """

    overall: Accuracy
    corpora: dict[str, Accuracy]
    f1: dict[str, float]
    confusions: tuple[Confusion, ...]
    latency: Latency
    unknown: int = 0
    unreadable: int = 0


def closed_set(
    model: Model, dataset: Dataset, entries: Sequence[Entry], heard: Callable[[int], Any] = lambda done: None
) -> ClosedSet:
    """Classify whole utterances, each alone; `heard` is told after each how many are done.

    Raises `ModelError` where the model has no classes, `DataError` where no entry is of a speaker that it knows.
    """
    if not model.bundle.labels:
        raise ModelError(f"{model.folder}: has no classes to tell apart: it was trained without a head for speakers")
    known = known_entries(model, entries)
    guesses: list[_Guess] = []
    timed: list[np.ndarray] = []
    for done, entry in enumerate(known, start=1):
        try:
            samples = dataset.load(entry)
        except AudioError:
            continue
        guessed = model.bundle.labels[int(model.classify(samples).argmax())]
        guesses.append(_Guess(entry.labels["speaker"], guessed, entry.labels.get("corpus", "")))
        timed += [samples] * (len(timed) < TIMED)
        heard(done)
    if not guesses:
        raise DataError(f"none of {len(entries)} utterances can be read and is of a speaker that the model knows")
    corpora = sorted({guess.corpus for guess in guesses if guess.corpus})
    confusions = Counter((guess.speaker, guess.guessed) for guess in guesses)
    return ClosedSet(
        overall=_accuracy(guesses),
        corpora={corpus: _accuracy([guess for guess in guesses if guess.corpus == corpus]) for corpus in corpora},
        f1=f1_scores(*_columns(guesses)),
        confusions=tuple(Confusion(*names, count) for names, count in sorted(confusions.items())),
        latency=clip_latency(model, timed),
        unknown=len(entries) - len(known),
        unreadable=len(known) - len(guesses),
    )


def known_entries(model: Model, entries: Sequence[Entry]) -> list[Entry]:
    """The utterances whose speaker is one of the model's classes."""
    classes = set(model.bundle.labels)
    return [entry for entry in entries if entry.labels.get("speaker") in classes]


def f1_scores(truth: Sequence[str], guesses: Sequence[str]) -> dict[str, float]:
    """Each class's F1 = 2 hits / (occurrences + guesses), for classes that occur or were guessed."""
    classes, numbers = np.unique([*truth, *guesses], return_inverse=True)
    true, guessed = numbers[: len(truth)], numbers[len(truth) :]
    hits = np.bincount(true[true == guessed], minlength=len(classes))
    seen = np.bincount(numbers, minlength=len(classes))
    return dict(zip(classes.tolist(), (2 * hits / seen).tolist(), strict=True))


def macro_f1(truth: Sequence[str], guesses: Sequence[str]) -> float:
    """The mean over classes of their F1."""
    return float(np.mean(list(f1_scores(truth, guesses).values())))


@attrs.frozen
class _Guess:
    """Who spoke an utterance, and who the model says it was."""

    speaker: str
    guessed: str
    corpus: str


def _columns(guesses: Sequence[_Guess]) -> tuple[list[str], list[str]]:
    return [guess.speaker for guess in guesses], [guess.guessed for guess in guesses]


def _accuracy(guesses: Sequence[_Guess]) -> Accuracy:
    spoken = Counter(guess.speaker for guess in guesses)
    right = Counter(guess.speaker for guess in guesses if guess.speaker == guess.guessed)
    interval = ratio_interval([right[name] for name in spoken], list(spoken.values()))
    return Accuracy(len(guesses), len(spoken), right.total() / len(guesses), macro_f1(*_columns(guesses)), interval)
