"""How much data there is: people, utterances, hours, how long they are, how much of it overlaps. Needs no torch."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import attrs
import numpy as np

from fastdiar.core import audio
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, FastdiarError
from fastdiar.core.types import Turn

HEADERS = 20_000
"""Files whose headers are read where the metadata does not tell their length; of more, so many give an estimate."""
TURNS = 200
"""Entries whose turns are looked at; for simulated meetings each of them is made."""
QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)

Told = Callable[[str, int, int], None]
T = TypeVar("T")


@attrs.frozen
class Statistics:
    """One part of the data. `seconds` are an utterance's length at the quantiles 0, 5, 50, 95 and 100 %.

    `speakers` is 0 where the data names none. `overlap` is the share of speech in which two or more speak, None where the
    corpus has no turns. `estimated` says that the lengths, hours and overlap are those of a sample. `unreadable` says of which
    files not even the header could be read.
    """

    speakers: int
    utterances: int
    hours: float
    seconds: tuple[float, ...]
    overlap: float | None
    estimated: bool
    unreadable: tuple[str, ...]


def statistics(dataset: Dataset, entries: Sequence[Entry], told: Told = lambda *_: None) -> Statistics:
    """Count what a dataset lists, from its metadata and, where that tells no lengths, the files' headers.

    `told` hears how far it is.
    """
    looked = _spread(entries, HEADERS) if any(entry.seconds is None for entry in entries) else list(entries)
    lengths, unreadable = _lengths(looked, told)
    turns = _turns(dataset, _spread(entries, TURNS), told)
    speakers = {entry.labels["speaker"] for entry in entries if entry.labels.get("speaker")}
    speakers = speakers or {turn.speaker for each in turns or () for turn in each}
    share = len(entries) / len(looked) if looked else 1.0
    return Statistics(
        speakers=len(speakers),
        utterances=len(entries),
        hours=float(np.sum(lengths)) * share / 3600,
        seconds=tuple(np.quantile(lengths, QUANTILES).tolist()) if lengths else (),
        overlap=None if turns is None else _overlap(turns),
        estimated=len(looked) < len(entries) or (turns is not None and len(turns) < len(entries)),
        unreadable=tuple(unreadable),
    )


def in_both(one: Sequence[Entry], other: Sequence[Entry]) -> list[str]:
    """Keys of the utterances of `one` of which `other` holds something, too: of one file, the same key or some of the time."""
    there: dict[Path, list[Entry]] = defaultdict(list)
    for entry in other:
        there[entry.path].append(entry)
    keys = {(entry.path, entry.key) for entry in other}
    return [
        entry.key
        for entry in one
        if (entry.path, entry.key) in keys or (type(entry) is Entry and any(_meet(entry, each) for each in there[entry.path]))
    ]


def _meet(one: Entry, other: Entry) -> bool:
    ends = [math.inf if entry.seconds is None else entry.start + entry.seconds for entry in (one, other)]
    return type(other) is Entry and one.start < ends[1] and other.start < ends[0]


def _spread(entries: Sequence[T], most: int) -> list[T]:
    """At most so many entries, evenly from first to last."""
    return [entries[place * len(entries) // most] for place in range(most)] if len(entries) > most else list(entries)


def _lengths(entries: Sequence[Entry], told: Told) -> tuple[list[float], list[str]]:
    """Seconds of each entry, and why others have none."""
    lengths, unreadable = [], []
    for done, entry in enumerate(entries, start=1):
        try:
            lengths.append(audio.length(entry.path) - entry.start if entry.seconds is None else entry.seconds)
        except AudioError as error:
            unreadable.append(str(error))
        told("lengths", done, len(entries))
    return lengths, unreadable


def _turns(dataset: Dataset, entries: Sequence[Entry], told: Told) -> list[tuple[Turn, ...]] | None:
    """The entries' turns, but for those that cannot be read; None where there are none."""
    found = []
    for done, entry in enumerate(entries, start=1):
        try:
            turns = dataset.turns(entry)
        except FastdiarError:
            continue
        if turns is None:
            return None
        found.append(turns)
        told("turns", done, len(entries))
    return found or None


def _overlap(recordings: Sequence[Sequence[Turn]]) -> float:
    """The share of speech in which two or more people speak."""
    speech = overlap = 0.0
    for turns in recordings:
        steps = sorted([(turn.start, 1) for turn in turns] + [(turn.end, -1) for turn in turns])
        before, speaking = 0.0, 0
        for time, change in steps:
            speech += (time - before) * (speaking > 0)
            overlap += (time - before) * (speaking > 1)
            before, speaking = time, speaking + change
    return overlap / speech if speech else 0.0
