"""A stream of samples cut into overlapping chunks, each of which owns its own part of the recording."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import numpy as np


@attrs.frozen(eq=False)
class Chunk:
    """`samples` float32 `[samples]` from sample `start` of the recording; it owns `owned[0]` to `owned[1]`.

    What chunks own lies end to end and covers the recording once: the overlap is context.
    """

    start: int
    samples: np.ndarray
    owned: tuple[int, int]

    @property
    def end(self) -> int:
        """The recording's sample after the chunk's last."""
        return self.start + len(self.samples)


def cut(blocks: Iterable[np.ndarray], length: int, step: int, hop: int) -> Iterator[Chunk]:
    """Chunks of `length` samples every `step` samples, as the blocks `[samples]` come in; see `Cutter`."""
    cutter = Cutter(length, step, hop)
    for block in blocks:
        yield from cutter.push(block)
    yield cutter.finish()


class Cutter:
    """Cuts what is pushed into it into chunks of `length` samples every `step` samples.

    The last chunk reaches back to be as long as the others. Every chunk starts on a multiple of `hop`, of which `step` must
    be one too, so that the chunks' frames lie on one grid.
    """

    def __init__(self, length: int, step: int, hop: int) -> None:
        self._length, self._step, self._hop = length, step, hop
        self._before = self._buffer = np.zeros(0, np.float32)
        self._start = self._owned = 0

    def push(self, block: np.ndarray) -> Iterator[Chunk]:
        """The chunks that are whole with a block of `[samples]` more, of which each has some after it."""
        self._buffer = np.concatenate([self._buffer, block])
        while len(self._buffer) > self._length:
            until = self._start + (self._length + self._step) // 2
            chunk = Chunk(self._start, self._buffer[: self._length], (self._owned, until))
            self._owned, self._start = until, self._start + self._step
            self._before, self._buffer = self._buffer[: self._step], self._buffer[self._step :]
            yield chunk

    def finish(self) -> Chunk:
        """The last chunk."""
        back = min(len(self._before), self._length - len(self._buffer)) // self._hop * self._hop
        samples = np.concatenate([self._before[len(self._before) - back :], self._buffer])
        return Chunk(self._start - back, samples, (self._owned, self._start + len(self._buffer)))
