"""Which of the training speakers is it: accuracy, macro F1 and latency on utterances that were held back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError, ModelError
from fastdiar.core.types import RATE
from fastdiar.diarization.model import Model

WARM_UP = 5
"""Clips heard before time is taken."""


@attrs.frozen
class Accuracy:
    """`accuracy` and `macro_f1` (0…1) over so many utterances of so many speakers."""

    utterances: int
    speakers: int
    accuracy: float
    macro_f1: float


@attrs.frozen
class Latency:
    """Milliseconds to classify one clip, batch 1, on `threads` cores through onnxruntime; `clip_seconds` is the median clip."""

    p50: float
    p99: float
    threads: int
    clip_seconds: float


@attrs.frozen
class ClosedSet:
    """Figures over everything and by `corpus` label. `unknown` utterances are of speakers the model has no class for,
    `unreadable` ones could not be read: neither counts."""

    overall: Accuracy
    corpora: dict[str, Accuracy]
    latency: Latency
    unknown: int = 0
    unreadable: int = 0


def closed_set(
    model: Model, dataset: Dataset, entries: Sequence[Entry], heard: Callable[[int], Any] = lambda done: None
) -> ClosedSet:
    """Classify whole utterances, each alone; `heard` is told after each how many are done.

    Raises `ModelError` where the model has no classes, `DataError` where no entry is of a speaker that it knows.
    """
    classes = model.bundle.labels
    if not classes:
        raise ModelError(f"{model.folder}: has no classes to tell apart: it was trained without a head for speakers")
    known = [entry for entry in entries if entry.labels.get("speaker") in set(classes)]
    guesses: list[Guess] = []
    for done, entry in enumerate(known, start=1):
        try:
            guesses.append(_guess(model, dataset.load(entry), entry))
        except AudioError:
            continue
        heard(done)
    if not guesses:
        raise DataError(f"none of {len(entries)} utterances can be read and is of a speaker that the model knows")
    corpora = sorted({guess.corpus for guess in guesses if guess.corpus})
    return ClosedSet(
        overall=_accuracy(guesses),
        corpora={corpus: _accuracy([guess for guess in guesses if guess.corpus == corpus]) for corpus in corpora},
        latency=_latency(guesses, model.threads),
        unknown=len(entries) - len(known),
        unreadable=len(known) - len(guesses),
    )


def macro_f1(truth: Sequence[str], guesses: Sequence[str]) -> float:
    """The mean of each class's F1 = 2 hits / (occurrences + guesses), over classes that occur or were guessed."""
    classes, numbers = np.unique([*truth, *guesses], return_inverse=True)
    true, guessed = numbers[: len(truth)], numbers[len(truth) :]
    hits = np.bincount(true[true == guessed], minlength=len(classes))
    seen = np.bincount(numbers, minlength=len(classes))
    return float(np.mean(2 * hits / seen))


@attrs.frozen
class Guess:
    """What the model said of one utterance; times in seconds."""

    speaker: str
    guessed: str
    corpus: str
    taken: float
    length: float


def _guess(model: Model, samples: np.ndarray, entry: Entry) -> Guess:
    began = time.perf_counter()
    logits = model.classify(samples)
    taken = time.perf_counter() - began
    guessed = model.bundle.labels[int(logits.argmax())]
    return Guess(entry.labels["speaker"], guessed, entry.labels.get("corpus", ""), taken, len(samples) / RATE)


def _accuracy(guesses: Sequence[Guess]) -> Accuracy:
    truth, guessed = [guess.speaker for guess in guesses], [guess.guessed for guess in guesses]
    right = sum(guess.speaker == guess.guessed for guess in guesses) / len(guesses)
    return Accuracy(len(guesses), len(set(truth)), right, macro_f1(truth, guessed))


def _latency(guesses: Sequence[Guess], threads: int) -> Latency:
    taken = [1000 * guess.taken for guess in guesses[WARM_UP:] or guesses]
    p50, p99 = np.percentile(taken, (50, 99))
    return Latency(float(p50), float(p99), threads, float(np.median([guess.length for guess in guesses])))
