"""What an epoch's time went to."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Stopwatch:
    """`seconds` by what they were spent on, since it was made."""

    def __init__(self, *kinds: str) -> None:
        self.seconds = dict.fromkeys(kinds, 0.0)
        self._began = time.perf_counter()

    @property
    def total(self) -> float:
        """Seconds since it was made, whatever they were spent on."""
        return time.perf_counter() - self._began

    @contextmanager
    def running(self, kind: str) -> Iterator[None]:
        """Count the time of a block."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[kind] += time.perf_counter() - began

    def waiting(self, kind: str, items: Iterable[T]) -> Iterator[T]:
        """The same items; the time until each of them is there is counted."""
        left = iter(items)
        while True:
            with self.running(kind):
                item = next(left, None)
            if item is None:
                return
            yield item
