"""Recorded sessions with a reference of who speaks when, and the chunks in which they are heard."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from fastdiar.core import audio
from fastdiar.core.dataset import Entry
from fastdiar.core.errors import AudioError
from fastdiar.core.types import Turn

Stretch = tuple[float, float]
"""From when to when, in seconds."""

LONGEST = 24 * 3600.0
"""Seconds that a recording which cannot be opened may be said to last."""


@attrs.frozen(eq=False)
class Session:
    """A recording whose turns are known within its `stretches`. No time lies past the file's end."""

    name: str
    path: Path
    turns: tuple[Turn, ...]
    stretches: tuple[Stretch, ...]


def session(name: str, path: Path, turns: Iterable[Turn], stretches: Sequence[Stretch] = ()) -> Session:
    """A recording with its reference, which covers the `stretches` (a UEM), or else the whole file. Only its header is read.

    Times past the file's end are cut off. A file that cannot be opened is taken to be as long as its reference: what is wrong
    with it is said when it is loaded.
    """
    turns = tuple(turns)
    try:
        end = audio.length(path)
    except AudioError:
        end = min(LONGEST, max([0.0, *(turn.end for turn in turns), *(last for _, last in stretches)]))
    covered = tuple((first, min(last, end)) for first, last in sorted(stretches or [(0.0, end)]) if first < end)
    return Session(name, path, clipped(turns, 0.0, end), covered)


def chunks(session: Session, seconds: float, step: float, labels: Mapping[str, str] | None = None) -> Iterator[Entry]:
    """Chunks of `seconds`, one every `step`, over what the reference covers; by default their label is the session's name.

    The last chunk of a stretch ends with it, so that all are equally long; a stretch shorter than `seconds` is one chunk.
    """
    labels = {"session": session.name} if labels is None else labels
    for first, last in session.stretches:
        start = first
        while start + seconds < last:
            yield _chunk(session, start, seconds, labels)
            start += step
        start = max(first, last - seconds)
        yield _chunk(session, start, last - start, labels)


def segments(
    session: Session, seconds: tuple[float, float], step: float, pause: float, everyone: Iterable[Turn] | None = None
) -> Iterator[Entry]:
    """Stretches of one person's speech, by person; their labels are session, speaker and overlap: "yes" where others speak, too.

    Speech goes on over pauses of up to `pause` seconds; what is shorter than `seconds` allows is left out, what is longer is
    cut as `chunks` does. `everyone` speaks in the room, where `session` holds one person's turns alone.
    """
    shortest, longest = seconds
    room = session.turns if everyone is None else tuple(everyone)
    for speaker in sorted({turn.speaker for turn in session.turns}):
        own = [(turn.start, turn.end) for turn in session.turns if turn.speaker == speaker]
        others = [turn for turn in room if turn.speaker != speaker]
        speech = within(joined(own, pause), session.stretches)
        long = attrs.evolve(session, stretches=tuple(run for run in speech if run[1] - run[0] >= shortest))
        for entry in chunks(long, longest, step):
            overlapped = any(turn.start < entry.start + (entry.seconds or 0) and turn.end > entry.start for turn in others)
            labels = {**entry.labels, "speaker": speaker, "overlap": "yes" if overlapped else "no"}
            yield attrs.evolve(entry, key=f"{entry.key}/{speaker}", labels=labels)


def turns_of(turns: Iterable[Turn], entry: Entry) -> tuple[Turn, ...]:
    """Those of a recording's turns that lie in one stretch of it, in seconds from its start."""
    return clipped(turns, entry.start, math.inf if entry.seconds is None else entry.start + entry.seconds)


def clipped(turns: Iterable[Turn], start: float, end: float) -> tuple[Turn, ...]:
    """What lies between `start` and `end`, in seconds from `start`."""
    return tuple(
        attrs.evolve(turn, start=max(turn.start, start) - start, end=min(turn.end, end) - start)
        for turn in turns
        if turn.start < end and turn.end > start
    )


def joined(stretches: Iterable[Stretch], pause: float) -> list[Stretch]:
    """The stretches in order, those with no more than `pause` seconds between them as one."""
    runs: list[Stretch] = []
    for start, end in sorted(stretches):
        if runs and start - runs[-1][1] <= pause:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((start, end))
    return runs


def within(stretches: Iterable[Stretch], bounds: Sequence[Stretch]) -> list[Stretch]:
    """The parts of the stretches that lie inside the bounds."""
    cut = ((max(start, first), min(end, last)) for start, end in stretches for first, last in bounds)
    return [(start, end) for start, end in cut if start < end]


def _chunk(session: Session, start: float, seconds: float, labels: Mapping[str, str]) -> Entry:
    start, seconds = round(start, 3), round(seconds, 3)
    key = f"{session.name}@{start:.3f}+{seconds:.3f}"
    return Entry(key, session.path, dict(labels), start, seconds)
