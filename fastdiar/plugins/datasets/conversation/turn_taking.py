"""Who speaks when: the rhythm of real meetings, learnt from their RTTM files and drawn anew.

A *floor* turn outlasts every turn before it; all others lie *inside* another's speech (backchannels, failed bids). Floor
turns form a chain in which each knows who took the floor, how long after (or before) the latest end, and for how long;
inside turns are scattered over it. Follows the idea of Landini et al., From simulated mixtures to simulated conversations
(Interspeech 2022), with whole events drawn instead of separate histograms, so that pauses and lengths stay together.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Literal

import attrs
import numpy as np

from fastdiar.core.errors import DataError
from fastdiar.core.formats import read_rttm
from fastdiar.core.types import Turn

BRIDGED = 0.5
"""Pauses (seconds) of one speaker shorter than this are part of the turn."""
LONGEST_TURN, LONGEST_PAUSE = 30.0, 8.0
"""Rarer ones (seconds; below 1 % in AMI) are cut: they would fill a short meeting."""
SHORTEST = 0.15
"""A floor turn lasts at least so long, and outlasts the one before by so much (seconds)."""
BREATH = 0.3
"""The least time (seconds) between two turns of one person."""
END = 0.2
"""Silence (seconds) at the end of a meeting."""

_ORDER = attrgetter("start", "end", "speaker")
"""Turns' own order, compared a few times faster."""


@attrs.frozen
class FloorTurn:
    """`who` takes the floor, `gap` seconds after the latest end (negative: before it), and keeps it for `seconds`."""

    who: Literal["same", "previous", "other"]
    gap: float
    seconds: float


@attrs.frozen(eq=False)
class Rhythm:
    """One real meeting's turns: on the floor, and inside others' speech (`inside_rate` of them a second of floor turns)."""

    floor: tuple[FloorTurn, ...]
    inside: tuple[float, ...]
    inside_rate: float


@attrs.frozen
class Slot:
    """Person number `person` is to speak from `start` to `end` (seconds)."""

    start: float
    end: float
    person: int


def learn_rhythms(folder: Path) -> list[Rhythm]:
    """The rhythm of every meeting in a folder of RTTM files; raises `DataError` where there is none."""
    meetings = [turns for path in sorted(folder.glob("*.rttm")) for turns in read_rttm(path).values()]
    rhythms = [rhythm for turns in meetings if (rhythm := learn_rhythm(turns)).floor]
    if not rhythms:
        raise DataError(f"{folder}: expected RTTM files (*.rttm) of conversations, found none in which a turn follows another")
    return rhythms


def learn_rhythm(turns: Sequence[Turn]) -> Rhythm:
    """The rhythm of one meeting."""
    floor: list[FloorTurn] = []
    inside: list[float] = []
    holder = previous = None
    latest = 0.0
    for turn in _bridged(turns):
        if turn.end <= latest:
            inside.append(turn.duration)
            continue
        if holder is not None:
            who: Literal["same", "previous", "other"]
            who = "same" if turn.speaker == holder else "previous" if turn.speaker == previous else "other"
            floor.append(FloorTurn(who, min(turn.start - latest, LONGEST_PAUSE), min(turn.duration, LONGEST_TURN)))
        if turn.speaker != holder:
            holder, previous = turn.speaker, holder
        latest = turn.end
    return Rhythm(tuple(floor), tuple(inside), len(inside) / max(1.0, sum(turn.seconds for turn in floor)))


def draw_slots(rhythm: Rhythm, people: int, seconds: float, random: np.random.Generator) -> list[Slot]:
    """A new meeting of `seconds` with the given rhythm, ordered by start; nobody overlaps himself."""
    floor = _draw_floor(rhythm, people, seconds, random)
    inside = _draw_inside(rhythm, people, floor, random) if people > 1 else []
    return sorted(floor + inside, key=lambda slot: slot.start)


def interrupted(slots: Sequence[Slot], seconds: float, random: np.random.Generator) -> list[Slot]:
    """The same turns with a silence of `seconds` before one of them, or behind the last."""
    first = int(random.integers(len(slots) + 1))
    moved = [attrs.evolve(slot, start=slot.start + seconds, end=slot.end + seconds) for slot in slots[first:]]
    return [*slots[:first], *moved]


def _draw_floor(rhythm: Rhythm, people: int, seconds: float, random: np.random.Generator) -> list[Slot]:
    talkative = random.uniform(0.4, 1.6, people)
    holder, previous = (int(person) % people for person in random.permutation(max(people, 2))[:2])
    free_from = [0.0] * people
    slots: list[Slot] = []
    latest = 0.0
    while latest < seconds - END:
        event = rhythm.floor[random.integers(len(rhythm.floor))]
        person = _next_person(event.who, holder, previous, talkative, random)
        start = max(latest + event.gap, slots[-1].start + SHORTEST if slots else 0.0, free_from[person])
        end = min(max(start + event.seconds, latest + SHORTEST), seconds - END)
        latest = max(latest, end, start)
        if end - start < SHORTEST:
            continue
        slots.append(Slot(start, end, person))
        free_from[person] = end + BREATH
        if person != holder:
            holder, previous = person, holder
    return slots


def _next_person(who: str, holder: int, previous: int, talkative: np.ndarray, random: np.random.Generator) -> int:
    if who == "same":
        return holder
    if who == "previous" or len(talkative) <= 2:
        return previous
    weight = talkative.copy()
    weight[[holder, previous]] = 0
    return int(random.choice(len(weight), p=weight / weight.sum()))


def _draw_inside(rhythm: Rhythm, people: int, floor: list[Slot], random: np.random.Generator) -> list[Slot]:
    taken = list(floor)
    for around in floor:
        for _ in range(random.poisson(rhythm.inside_rate * (around.end - around.start))):
            seconds = float(random.choice(rhythm.inside))
            if seconds >= around.end - around.start:
                continue
            start = random.uniform(around.start, around.end - seconds)
            person = int(random.choice([other for other in range(people) if other != around.person]))
            slot = Slot(start, start + seconds, person)
            if not any(_touch(slot, other) for other in taken):
                taken.append(slot)
    return taken[len(floor) :]


def _touch(slot: Slot, other: Slot) -> bool:
    return slot.person == other.person and slot.start < other.end + BREATH and other.start < slot.end + BREATH


def _bridged(turns: Sequence[Turn]) -> list[Turn]:
    """The turns ordered by start, each speaker's joined over pauses below `BRIDGED`."""
    of_speaker: dict[str, list[Turn]] = {}
    for turn in sorted(turns, key=_ORDER):
        mine = of_speaker.setdefault(turn.speaker, [])
        if mine and turn.start - mine[-1].end < BRIDGED:
            mine[-1] = attrs.evolve(mine[-1], end=max(turn.end, mine[-1].end))
        else:
            mine.append(turn)
    return sorted((turn for mine in of_speaker.values() for turn in mine), key=_ORDER)
