"""Who speaks, told while they speak: `LiveDiarizer._hop` is the whole path, from top to bottom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import attrs
import numpy as np
from attrs import field, validators

from fastdiar.core.powerset import powerset
from fastdiar.core.sessions import Stretch
from fastdiar.core.types import RATE, Diarization, Turn
from fastdiar.diarization.chunks import Chunk
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.frames import nearest
from fastdiar.diarization.hear import Heard, hear
from fastdiar.diarization.stitch import active, stitch
from fastdiar.diarization.walk import SHORTEST, too_short
from fastdiar.live.events import Event, Final
from fastdiar.live.names import numbers_of
from fastdiar.live.past import Learnt, Past
from fastdiar.live.people import NOBODY, People
from fastdiar.live.samples import Intake
from fastdiar.live.turns import LiveTurns, name

SAMPLED = 0.1
"""Seconds from one moment to the next at which the last word is held against what was said before."""


@attrs.frozen
class LiveSettings:
    """How a stream is heard; all but `new_below` in seconds."""

    hop: float = field(
        default=0.5, validator=[validators.ge(0.1), validators.le(2)], metadata={"help": "from one look to the next"}
    )
    delay: float = field(
        default=1.0,
        validator=[validators.ge(0), validators.le(5)],
        metadata={"help": "how much is heard after a moment before it is told of"},
    )
    context: float = field(
        default=10.0, validator=[validators.ge(2), validators.le(30)], metadata={"help": "what is heard at each look"}
    )
    new_below: float = field(default=0.3, metadata={"help": "a voice below this cosine with all others is somebody new"})
    new_seconds: float = field(default=0.8, metadata={"help": "and must have spoken so long"})
    horizon: float = field(default=7200.0, validator=validators.ge(60), metadata={"help": "what is older is never told anew"})


@attrs.frozen(eq=False)
class _Recent:
    """Windows of the last seconds, and everybody's last: `vectors [windows, dim]`, then `[windows]` each; `people` says whose."""

    vectors: np.ndarray
    centre: np.ndarray
    seconds: np.ndarray
    people: np.ndarray

    def since(self, sample: float) -> _Recent:
        keep = self.centre >= sample
        keep[len(keep) - 1 - np.unique(self.people[::-1], return_index=True)[1]] = True
        return self.where(keep)

    def where(self, keep: np.ndarray) -> _Recent:
        return _Recent(self.vectors[keep], self.centre[keep], self.seconds[keep], self.people[keep])


class LiveDiarizer:
    """Push samples in as they come, take out what is to be told; not to be shared between threads."""

    def __init__(self, diarizer: Diarizer, rate: int = RATE, settings: LiveSettings | None = None, uri: str = "stream") -> None:
        """`rate` (Hz) is that of the samples. A `diarizer` may serve many streams at once."""
        self._model, self._walk, self._settings = diarizer.model, diarizer.settings, settings or LiveSettings()
        self._grid = diarizer.model.bundle.activity
        self._uri = uri
        self._intake = Intake(rate, round(self._settings.hop * RATE))
        self._past = Past(diarizer, self._settings.horizon)
        self._beside = ThreadPoolExecutor(1, "fastdiar-look")
        self._people = People(diarizer.model.bundle.embedding, self._settings.new_below, self._settings.new_seconds)
        self._turns = LiveTurns(self._grid, diarizer.settings)
        self._settled: list[tuple[int, Turn]] = []
        self._tail = np.zeros(0, np.float32)
        self._heard = self._decided = self._until = 0
        none = np.zeros(0)
        self._recent = _Recent(np.zeros((0, diarizer.model.bundle.embedding), np.float32), none, none, none.astype(int))

    def push(self, samples: np.ndarray) -> list[Event]:
        """Take in `[samples]` or `[samples, channels]`, int16 or float in -1…1; raises `AudioError`, `ModelError`."""
        return [event for block in self._intake.push(samples) for event in self._hop(block)]

    def finish(self) -> list[Event]:
        """The stream is over: the last turns, and who spoke when by all that was heard. Raises `AudioError`, `ModelError`."""
        rest = self._intake.finish()
        events = [*self._hop(rest, delay=0)] if self._heard + len(rest) else []
        if self._heard < SHORTEST:
            raise too_short(self._uri, self._heard)
        for learnt in self._past.rest():
            events += self._correct(learnt)
        events += [*self._turns.finish(self._at), Final(self._at, self._last_word())]
        self.close()
        return events

    def close(self) -> None:
        """End the threads; what is not finished is given up."""
        self._past.close()
        self._beside.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> LiveDiarizer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def _at(self) -> float:
        return round(self._heard / RATE, 3)

    def _hop(self, block: np.ndarray, delay: float | None = None) -> Iterator[Event]:
        self._heard += len(block)
        self._tail = np.concatenate([self._tail, block])
        hop = round(self._grid.hop)
        start = max(0, self._heard - round(self._settings.context * RATE)) // hop * hop
        self._tail = self._tail[len(self._tail) - (self._heard - start) :]
        for learnt in self._past.push(block):
            yield from self._correct(learnt)
        if len(self._tail) >= SHORTEST:
            yield from self._tell(start, self._settings.delay if delay is None else delay)

    def _tell(self, start: int, delay: float) -> Iterator[Event]:
        """Hear the last seconds, and tell of what is new and at least `delay` seconds old."""
        end = self._heard
        chunk = Chunk(start, self._tail, owned=(max(start, end - round(self._walk.window * RATE)), end))
        spoken = (self._recent.centre >= start).any()  # where it was silent for long, the second network mostly has no work
        [heard] = hear(self._model, [chunk], self._walk, beside=self._beside if spoken else None)
        self._remember(heard)
        self._recent, here = self._recent.since(min(start, self._until)), self._recent.since(start)
        here = here.where(here.people != NOBODY)
        numbers, labels = np.unique(here.people, return_inverse=True)
        timeline = stitch([self._with_windows(heard, here)], labels, self._grid)  # people [frames, people]
        speaking = active(timeline, self._walk)
        first = round(start / self._grid.hop)
        last = min(first + len(speaking), int((end - delay * RATE - self._grid.first) // self._grid.hop) + 1)
        if last > self._decided:
            begin = max(self._decided, first)
            yield from self._turns.speaking(numbers.tolist(), speaking[begin - first : last - first], begin, self._at)
            self._decided = last

    def _remember(self, heard: Heard) -> None:
        people = [self._people.number(*window) for window in zip(heard.vectors, heard.seconds, strict=True)]
        parts = (heard.vectors, heard.centre, heard.seconds, np.array(people, int))
        kept = attrs.astuple(self._recent, recurse=False)
        self._recent = _Recent(*(np.concatenate(pair) for pair in zip(kept, parts, strict=True)))

    def _with_windows(self, heard: Heard, windows: _Recent) -> Heard:
        """A chunk, from sample 0, with windows that were heard earlier too, each as the chunk's local speaker at its centre."""
        centre = windows.centre - heard.start
        voices = heard.activity.astype(np.float32) @ powerset(self._grid.speakers, self._grid.at_once)
        local = voices[nearest(self._grid, centre, len(voices))].argmax(axis=1)
        local[centre < 0] = NOBODY
        return attrs.evolve(heard, start=0, end=heard.end - heard.start, local=local, centre=centre)

    def _correct(self, learnt: Learnt) -> Iterator[Event]:
        """Take up what the past has taught: names for its clusters, and other speakers for turns that were told."""
        self._settle(learnt)
        numbers = numbers_of(learnt.labels, learnt.centre, learnt.seconds, self._accounts(), self._people.new)
        self._people.replace(numbers, learnt.sums)
        self._until, recent = learnt.until, self._recent
        newer = recent.centre >= learnt.until
        people = self._people.nearest(recent.vectors)
        people[newer] = [
            self._people.number(*window)
            for window in zip(recent.vectors[newer], recent.seconds[newer], recent.people[newer], strict=True)
        ]
        self._recent = attrs.evolve(recent, people=people)
        newer &= people != NOBODY
        at = np.concatenate([learnt.centre, recent.centre[newer] / RATE])
        heard = np.concatenate([learnt.seconds, recent.seconds[newer]])
        voices = np.concatenate([np.array(numbers, int)[learnt.labels], people[newer]])
        for turn, person in self._turns.disputed(at, heard, voices):
            yield from self._turns.relabel(turn, person, self._at)

    def _settle(self, learnt: Learnt) -> None:
        """Keep the turns that cannot change any more in place of those that were told."""
        if learnt.settled:
            numbers = self._numbers(learnt.settled)
            self._settled += [(numbers[turn.speaker], turn) for turn in learnt.settled]
            self._turns.forget(learnt.settled_until)

    def _last_word(self) -> Diarization:
        found = self._past.finish(self._uri)
        numbers = self._numbers(found.turns)
        found = found.renamed({speaker: name(number) for speaker, number in numbers.items()})
        settled = (attrs.evolve(turn, speaker=name(number)) for number, turn in self._settled)
        return attrs.evolve(found, turns=_joined([*settled, *found.turns]))

    def _numbers(self, turns: Sequence[Turn]) -> dict[str, int]:
        """Whom the speakers of turns were told to be."""
        speakers = list(dict.fromkeys(turn.speaker for turn in turns))
        moments = [np.arange(turn.start, turn.end, SAMPLED) for turn in turns]
        labels = np.repeat([speakers.index(turn.speaker) for turn in turns], [len(each) for each in moments])
        at = np.concatenate([*moments, np.zeros(0)])
        numbers = numbers_of(labels.astype(int), at, np.full(len(at), SAMPLED), self._accounts(), self._people.new)
        return dict(zip(speakers, numbers, strict=True))

    def _accounts(self) -> tuple[dict[int, list[Stretch]], dict[int, list[Stretch]]]:
        """When everybody spoke, by what was told at first, and by all corrections since.

        By the corrections alone, a clustering that takes two people for one, or one for two, would cost a name for good.
        """
        at_first, corrected = defaultdict(list), defaultdict(list)
        for number, turn in self._settled:
            corrected[number].append((turn.start, turn.end))
        for told, stretch in self._turns.stretches():
            at_first[told.first].append(stretch)
            corrected[told.person].append(stretch)
        return at_first, corrected


def _joined(turns: Iterable[Turn]) -> list[Turn]:
    """Turns that were cut where others were settled are one again."""
    whole: list[Turn] = []
    last: dict[str, int] = {}
    for turn in sorted(turns):
        before = last.get(turn.speaker)
        if before is not None and whole[before].end == turn.start:
            whole[before] = attrs.evolve(whole[before], end=turn.end)
        else:
            last[turn.speaker] = len(whole)
            whole.append(turn)
    return whole
