"""The people of a stream as far as they are known: each new window goes to the nearest voice, or is a new one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NOBODY = -1


class People:
    """Voices by number: each the sum of the windows that are that person's."""

    def __init__(self, dim: int, new_below: float, least_seconds: float) -> None:
        """A window whose cosine with every voice is below `new_below` is somebody new, or nobody's if below `least_seconds`."""
        self._new_below, self._least_seconds = new_below, least_seconds
        self._numbers: list[int] = []
        self._sums = np.zeros((0, dim), np.float32)
        self._count = 0

    def number(self, vector: np.ndarray, seconds: float, before: int = NOBODY) -> int:
        """Whose window this is, or `NOBODY`.

        `before` is whom it was given to earlier: somebody new keeps that number where it is free.
        """
        if self._numbers:
            cosines = self._sums @ vector / np.maximum(np.linalg.norm(self._sums, axis=1), 1e-12)
            nearest = int(cosines.argmax())
            if cosines[nearest] >= self._new_below:
                self._sums[nearest] += seconds * vector
                return self._numbers[nearest]
        if seconds < self._least_seconds:
            return NOBODY
        free = before != NOBODY and before not in self._numbers
        number = before if free else self.new()
        self._numbers.append(number)
        self._sums = np.vstack([self._sums, seconds * vector])
        return number

    def nearest(self, vectors: np.ndarray) -> np.ndarray:
        """Whose each of the windows is most likely: int `[windows]`; nobody's where there are no voices."""
        if not self._numbers:
            return np.full(len(vectors), NOBODY)
        voices = self._sums / np.maximum(np.linalg.norm(self._sums, axis=1, keepdims=True), 1e-12)
        nearest: np.ndarray = np.array(self._numbers)[(vectors @ voices.T).argmax(axis=1)]
        return nearest

    def new(self) -> int:
        """A number that nobody had."""
        self._count += 1
        return self._count - 1

    def replace(self, numbers: Sequence[int], sums: np.ndarray) -> None:
        """Forget all voices but these, sums of windows `[people, dim]`."""
        self._numbers, self._sums = list(numbers), sums.astype(np.float32)
