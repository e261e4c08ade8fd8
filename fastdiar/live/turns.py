"""Turns as they grow: from who speaks in each new frame to what is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from fastdiar.core.bundle import Activity
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE
from fastdiar.diarization.turns import runs
from fastdiar.live.events import Event, Relabelled, State, TurnTold


@attrs.define
class LiveTurn:
    """Frames `start` to `end` of a `person`, from 0, taken for `first`'s once.

    It has a `number` as soon as it is told of, and was told of up to `told`.
    """

    person: int
    start: int
    end: int
    number: int = -1
    told: int | None = None
    first: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.first = self.person


class LiveTurns:
    """The turns of a stream. `kept` are those that were told and may still change their speaker."""

    def __init__(self, grid: Activity, settings: WalkSettings) -> None:
        self._grid = grid
        self._gap = round(settings.fill_gap * RATE / grid.hop)
        self._shortest = settings.shortest_turn * RATE / grid.hop
        self._open: dict[int, LiveTurn] = {}
        self._count = 0
        self.kept: list[LiveTurn] = []

    def speaking(self, people: Sequence[int], active: np.ndarray, frame: int, at: float) -> Iterator[Event]:
        """What there is to tell when `active` bool `[frames, people]` follows from `frame` on."""
        end = frame + len(active)
        for person, column in zip(people, active.T, strict=True):
            for first, last in runs(column, self._gap):
                yield from self._spoke(person, frame + first, frame + last + 1, at)
        for turn in list(self._open.values()):
            yield from self._close(turn, at) if end - turn.end >= self._gap else self._tell(turn, at)

    def finish(self, at: float) -> Iterator[Event]:
        """All turns end."""
        for turn in list(self._open.values()):
            yield from self._close(turn, at)

    def relabel(self, turn: LiveTurn, person: int, at: float) -> Iterator[Event]:
        """Give a turn to another person. An open one is closed where that person has an open turn already."""
        before = turn.person
        if self._open.get(before) is turn:
            if person in self._open:
                yield from self._close(turn, at)
            else:
                self._open[person] = self._open.pop(before)
        turn.person = person
        yield Relabelled(at, turn.number, name(person), name(before))

    def disputed(self, at: np.ndarray, seconds: np.ndarray, people: np.ndarray) -> list[tuple[LiveTurn, int]]:
        """Turns that are another's, and whose: who has more of the windows in a turn than the one it was given to.

        Each window is at a time `at`, of so many `seconds`, and one of the `people`, all `[windows]`.
        """
        if not len(at) or not self.kept:
            return []
        order = np.argsort(at)
        numbers, column = np.unique(people[order], return_inverse=True)
        spoken = np.zeros((len(at) + 1, len(numbers)))
        spoken[np.arange(1, len(at) + 1), column] = seconds[order]
        spoken = spoken.cumsum(axis=0)  # [windows + 1, people], up to each window
        starts, ends = np.array([(self.seconds(turn.start), self.seconds(turn.end)) for turn in self.kept]).T
        here = spoken[np.searchsorted(at[order], ends, side="right")] - spoken[np.searchsorted(at[order], starts)]
        column_of = {number: place for place, number in enumerate(numbers.tolist())}
        found = []
        for turn, shares in zip(self.kept, here, strict=True):
            most = int(shares.argmax())
            mine = shares[column_of[turn.person]] if turn.person in column_of else 0.0
            if shares[most] > mine + 1e-6:
                found.append((turn, int(numbers[most])))
        return found

    def stretches(self) -> Iterator[tuple[LiveTurn, tuple[float, float]]]:
        """Each turn that is kept, with its start and end (seconds)."""
        return ((turn, (self.seconds(turn.start), self.seconds(turn.end))) for turn in self.kept)

    def forget(self, before: float) -> None:
        """Give up the turns that end before a time (seconds)."""
        self.kept = [turn for turn in self.kept if self.seconds(turn.end) > before]

    def seconds(self, frame: float) -> float:
        """Where a frame begins."""
        return max(0.0, round((self._grid.first + (frame - 0.5) * self._grid.hop) / RATE, 3))

    def _spoke(self, person: int, start: int, end: int, at: float) -> Iterator[Event]:
        turn = self._open.get(person)
        if turn is not None and start - turn.end >= self._gap:
            yield from self._close(turn, at)
            turn = None
        if turn is None:
            turn = self._open[person] = LiveTurn(person, start, end)
        turn.end = end

    def _close(self, turn: LiveTurn, at: float) -> Iterator[Event]:
        del self._open[turn.person]
        yield from self._tell(turn, at, closed=True)

    def _tell(self, turn: LiveTurn, at: float, closed: bool = False) -> Iterator[Event]:
        if turn.end - turn.start < self._shortest:
            return
        if turn.told is None:
            turn.number, self._count = self._count, self._count + 1
            self.kept.append(turn)
            yield self._event("opened", turn, at)
        elif turn.end > turn.told and not closed:
            yield self._event("extended", turn, at)
        turn.told = turn.end
        if closed:
            yield self._event("closed", turn, at)

    def _event(self, state: State, turn: LiveTurn, at: float) -> TurnTold:
        return TurnTold(at, state, turn.number, self.seconds(turn.start), self.seconds(turn.end), name(turn.person))


def name(person: int) -> str:
    """What somebody is called who is number `person`, from 0."""
    return f"speaker{person + 1}"
