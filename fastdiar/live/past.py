"""What was heard, chunk by chunk as the offline walk hears it: the truth that live labels are corrected by.

A chunk is heard, and all windows are clustered anew, in a thread beside the stream. What the thread learns is taken up at
a fixed amount of sound later, so that the events of a stream do not depend on how quick the machine is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import attrs
import numpy as np

from fastdiar.core.clustering import Clusters, Windows
from fastdiar.core.partitions import by_part, renumbered
from fastdiar.core.types import RATE, Diarization, Turn
from fastdiar.diarization.chunks import Chunk, Cutter
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.hear import Heard, hear
from fastdiar.diarization.walk import chunk_sizes, told_apart, windows_of

PATIENCE = RATE
"""Samples that the thread has for a chunk, and for clustering, before the stream waits for it."""
MOST_CLUSTERED = 1000
"""Windows that are clustered while the stream goes on; of more, so many are taken, evenly, and the others join them."""
MOST_REMEMBERED = 2000
"""Windows that stand for all that is older than the horizon."""


@attrs.frozen(eq=False)
class Learnt:
    """All windows, remembered ones included, in order of time, and whose they are.

    `centre` float `[windows]` (seconds of the stream), `seconds` float `[windows]`, `labels` int `[windows]`, and the sum of each
    label's windows, `sums [people, dim]`. They reach up to sample `until`. `settled` are turns that cannot change any more, up
    to `settled_until` (seconds), with names of no meaning.
    """

    centre: np.ndarray
    seconds: np.ndarray
    labels: np.ndarray
    sums: np.ndarray
    until: int
    settled: tuple[Turn, ...]
    settled_until: float


class Past:
    """Keeps what was heard in the last `horizon` seconds, or at least half of that; of what is older, turns and a few windows."""

    def __init__(self, diarizer: Diarizer, horizon: float) -> None:
        self._model, self._settings, self._clustering = diarizer.model, diarizer.settings, diarizer.clustering
        self._so_far = diarizer.clustering.with_newcomers()
        self._length, self._step, hop = chunk_sizes(diarizer.settings, diarizer.model.bundle.activity)
        self._cutter = Cutter(self._length, self._step, hop)
        self._most = max(2, round(horizon * RATE / self._step))
        self._heard: list[Heard] = []
        self._remembered = _Remembered.nothing(diarizer.model.bundle.embedding)
        self._thread = ThreadPoolExecutor(1, "fastdiar-live")
        self._pending: deque[tuple[int, Future[Learnt]]] = deque()
        self._samples = 0

    def push(self, block: np.ndarray) -> list[Learnt]:
        """Take in samples; what was learnt since. Raises `ModelError`."""
        self._samples += len(block)
        for chunk in self._cutter.push(block):
            self._pending.append((self._samples + PATIENCE, self._thread.submit(self._listen, chunk)))
        learnt = []
        while self._pending and self._pending[0][0] <= self._samples:
            learnt.append(self._pending.popleft()[1].result())
        return learnt

    def rest(self) -> list[Learnt]:
        """What is still to be learnt of what was pushed. Raises `ModelError`."""
        learnt = [future.result() for _, future in self._pending]
        self._pending.clear()
        return learnt

    def finish(self, uri: str) -> Diarization:
        """Who spoke when since what was settled last, as offline; people have names of no meaning. Raises `ModelError`."""
        last = self._thread.submit(self._hear, self._cutter.finish())
        last.result()
        return self._told_apart(uri)

    def close(self) -> None:
        """End the thread; nothing can be pushed any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def _settled_until(self) -> float:
        return self._remembered.until / RATE

    def _listen(self, chunk: Chunk) -> Learnt:
        self._hear(chunk)
        settled = self._settle() if len(self._heard) > self._most else ()
        windows, centre = self._windows()
        labels = by_part(windows, MOST_CLUSTERED, lambda part: self._so_far(part).labels)
        sums = np.zeros((labels.max(initial=-1) + 1, windows.vectors.shape[1]))
        np.add.at(sums, labels, windows.vectors * windows.seconds[:, None])
        return Learnt(centre / RATE, windows.seconds, labels, sums, chunk.owned[1], settled, self._settled_until)

    def _hear(self, chunk: Chunk) -> None:
        self._heard.extend(hear(self._model, [chunk], self._settings))

    def _windows(self) -> tuple[Windows, np.ndarray]:
        return self._remembered.before(windows_of(self._heard)), np.concatenate(
            [self._remembered.centre, *(chunk.centre for chunk in self._heard)]
        )

    def _told_apart(self, uri: str) -> Diarization:
        """The chunks that are kept as a recording of their own, in which the remembered windows are heard too."""
        offset = self._heard[0].start
        shifted = [chunk.earlier(offset) for chunk in self._heard]
        found = told_apart(uri, shifted, self._model, self._settings, self._with_remembered)
        if not offset:
            return found
        turns = (attrs.evolve(turn, start=turn.start + offset / RATE, end=turn.end + offset / RATE) for turn in found.turns)
        return attrs.evolve(found, turns=tuple(_after(turns, self._settled_until)), seconds=self._heard[-1].end / RATE)

    def _with_remembered(self, windows: Windows, least: int, most: int | None) -> Clusters:
        found = self._clustering(self._remembered.before(windows), least, most)
        return Clusters(renumbered(found.labels[len(self._remembered.centre) :]), found.probability)

    def _settle(self) -> tuple[Turn, ...]:
        """Give up the older half of the chunks for their turns."""
        half = len(self._heard) // 2
        until = self._heard[half].start + (self._length - self._step) // 2
        found = self._told_apart("settled")
        self._remembered = self._remembered.and_also(self._heard[:half], until)
        del self._heard[:half]
        return tuple(_before(found.turns, until / RATE))


@attrs.frozen(eq=False)
class _Remembered:
    """Windows that stand for what is older than sample `until`: of each voice as many as it had a share of the speech."""

    vectors: np.ndarray
    seconds: np.ndarray
    centre: np.ndarray
    until: int

    @classmethod
    def nothing(cls, dim: int) -> _Remembered:
        return cls(np.zeros((0, dim), np.float32), np.zeros(0), np.zeros(0), 0)

    def before(self, windows: Windows) -> Windows:
        """These and then `windows`; each of these counts as a chunk of its own, so that all pairs of them are compared."""
        return Windows(
            np.concatenate([self.vectors, windows.vectors]),
            np.concatenate([self.seconds, windows.seconds]),
            np.concatenate([-1 - np.arange(len(self.centre)), windows.chunk]),
            np.concatenate([np.zeros(len(self.centre), int), windows.local]),
        )

    def and_also(self, heard: Sequence[Heard], until: int) -> _Remembered:
        """These and all windows of `heard`; of more than `MOST_REMEMBERED`, so many evenly spread over the speech."""
        windows = self.before(windows_of(heard))
        centre = np.concatenate([self.centre, *(chunk.centre for chunk in heard)])
        spoken = np.cumsum(windows.seconds)
        if len(windows) <= MOST_REMEMBERED:
            return _Remembered(windows.vectors, windows.seconds, centre, until)
        share = spoken[-1] / MOST_REMEMBERED
        taken, times = np.unique(np.searchsorted(spoken, share * (np.arange(MOST_REMEMBERED) + 0.5)), return_counts=True)
        return _Remembered(windows.vectors[taken], share * times, centre[taken], until)


def _before(turns: Iterable[Turn], seconds: float) -> Iterator[Turn]:
    """The turns as far as they lie before a time."""
    return (attrs.evolve(turn, end=min(turn.end, seconds)) for turn in turns if turn.start < seconds)


def _after(turns: Iterable[Turn], seconds: float) -> Iterator[Turn]:
    """The turns as far as they lie after a time."""
    return (attrs.evolve(turn, start=max(turn.start, seconds)) for turn in turns if turn.end > seconds)
