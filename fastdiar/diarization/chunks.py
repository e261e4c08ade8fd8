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
    """Chunks of `length` samples every `step` samples, as the blocks `[samples]` come in.

    The last chunk reaches back to be as long as the others. Every chunk starts on a multiple of `hop`, of which `step` must
    be one too, so that the chunks' frames lie on one grid.
    """
    before = buffer = np.zeros(0, np.float32)
    start = owned = 0
    for block in blocks:
        buffer = np.concatenate([buffer, block])
        while len(buffer) > length:
            until = start + (length + step) // 2
            yield Chunk(start, buffer[:length], (owned, until))
            owned, start = until, start + step
            before, buffer = buffer[:step], buffer[step:]
    back = min(len(before), length - len(buffer)) // hop * hop
    samples = np.concatenate([before[len(before) - back :], buffer])
    yield Chunk(start - back, samples, (owned, start + len(buffer)))
