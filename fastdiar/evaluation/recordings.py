"""Whole recordings: a model's diarization of each held against its reference, under every usual condition."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError
from fastdiar.core.types import RATE, Turn
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.model import Model
from fastdiar.evaluation.diarization import Conditions, Pair, Score, pooled, score
from fastdiar.evaluation.intervals import Interval, ratio_interval
from fastdiar.evaluation.oracle import with_oracle_speech

CONDITIONS = tuple(Conditions(collar, skip_overlap) for collar in (0.0, 0.5) for skip_overlap in (False, True))


@attrs.frozen
class Result:
    """Errors under one set of conditions, pooled and by file; `oracle` speech is the reference's, not the model's.

    Intervals are those of the pooled DER and JER, resampling files; None for a single file.
    """

    conditions: Conditions
    oracle: bool
    pooled: Score
    files: tuple[Score, ...]
    der_interval: Interval | None
    jer_interval: Interval | None


@attrs.frozen
class Heard:
    """One recording of `seconds`: its true turns and those found, and the processor time that finding them took."""

    uri: str
    seconds: float
    cpu_seconds: float
    reference: tuple[Turn, ...]
    hypothesis: tuple[Turn, ...]
    uem: tuple[tuple[float, float], ...]

    @property
    def pair(self) -> Pair:
        """What is scored."""
        return Pair(self.uri, self.reference, self.hypothesis, self.uem)


@attrs.frozen
class Diarized:
    """Every condition's result, the strictest first; the share of files (0…1) with the right number of people, with its interval.

    `unreadable` says of each recording that could not be read why.
    """

    results: tuple[Result, ...]
    right_count: float
    right_count_interval: Interval | None
    heard: tuple[Heard, ...] = attrs.field(repr=False)
    threads: int = 1
    unreadable: tuple[str, ...] = ()

    @property
    def strict(self) -> Result:
        """Collar 0, overlap scored, the model's own speech."""
        return self.results[0]

    @property
    def real_time_factor(self) -> float:
        """Processor seconds for a second of sound."""
        return sum(each.cpu_seconds for each in self.heard) / sum(each.seconds for each in self.heard)


def diarized(
    model: Model, dataset: Dataset, entries: Sequence[Entry], heard: Callable[[int], Any] = lambda done: None
) -> Diarized:
    """Diarize the recordings that `entries` are of, and score them; `heard` is told after each how many are done.

    Raises `DataError` where none can be read, `ModelError` where the model does not diarize.
    """
    diarizer, found, unreadable = Diarizer(model), [], []
    for done, recording in enumerate(recordings(entries), start=1):
        try:
            found.append(_hear(diarizer, dataset, recording))
        except AudioError as error:
            unreadable.append(str(error))
        heard(done)
    if not found:
        raise DataError(f"none of the recordings can be read: {unreadable[0] if unreadable else 'the data lists none'}")
    results = tuple(_result(found, conditions, oracle) for oracle in (False, True) for conditions in CONDITIONS)
    right = [one.speakers == one.found for one in results[0].files]
    interval = ratio_interval(right, [1.0] * len(right))
    return Diarized(results, sum(right) / len(right), interval, tuple(found), model.threads, tuple(unreadable))


@attrs.frozen
class Whole:
    """A recording as one entry, and the stretches of it (seconds from its start) that the reference covers; empty for all."""

    entry: Entry
    stretches: tuple[tuple[float, float], ...] = ()


def recordings(entries: Sequence[Entry]) -> list[Whole]:
    """Entries put together again by their session: training hears chunks, a diarizer the whole."""
    sessions: dict[tuple[str, Any], list[Entry]] = defaultdict(list)
    for entry in entries:
        sessions[entry.labels.get("session", entry.key), entry.path].append(entry)
    return [_whole(name, chunks) for (name, _), chunks in sessions.items()]


def _whole(name: str, chunks: Sequence[Entry]) -> Whole:
    start = min(chunk.start for chunk in chunks)
    stretches = [(chunk.start - start, chunk.start - start + chunk.seconds) for chunk in chunks if chunk.seconds is not None]
    if len(stretches) < len(chunks):
        return Whole(attrs.evolve(chunks[0], key=name, start=start, seconds=None))
    return Whole(
        attrs.evolve(chunks[0], key=name, start=start, seconds=max(end for _, end in stretches)), tuple(sorted(stretches))
    )


def loaded(dataset: Dataset, recording: Whole) -> tuple[np.ndarray, Pair]:
    """A recording's samples `[samples]`, and what its turns are to be held against, with none found yet. Raises `AudioError`."""
    entry = recording.entry
    samples = dataset.load(entry)
    seconds = len(samples) / RATE
    reference = dataset.turns(attrs.evolve(entry, seconds=seconds)) or ()
    return samples, Pair(entry.key, reference, (), recording.stretches or ((0.0, seconds),))


def _hear(diarizer: Diarizer, dataset: Dataset, recording: Whole) -> Heard:
    samples, truth = loaded(dataset, recording)
    began = time.process_time()
    found = diarizer(samples, RATE, uri=truth.uri)
    taken = time.process_time() - began
    return Heard(truth.uri, len(samples) / RATE, taken, truth.reference, found.turns, truth.uem)


def _result(found: Sequence[Heard], conditions: Conditions, oracle: bool) -> Result:
    files = tuple(score(_with_oracle(each.pair) if oracle else each.pair, conditions) for each in found)
    errors = [one.missed + one.false_alarm + one.confusion for one in files]
    jaccard = [(one.jer or 0.0) * one.speakers for one in files]
    return Result(
        conditions,
        oracle,
        pooled(files),
        files,
        der_interval=ratio_interval(errors, [one.speech for one in files]),
        jer_interval=ratio_interval(jaccard, [one.speakers for one in files]),
    )


def _with_oracle(pair: Pair) -> Pair:
    return attrs.evolve(pair, hypothesis=with_oracle_speech(pair.hypothesis, pair.reference))
