"""The interface of a clustering: which windows of speech belong to one person. Needs no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import attrs
import numpy as np


@attrs.frozen(eq=False)
class Windows:
    """Short windows of speech, each of one person as far as its chunk knows, in order of time.

    `vectors` float32 `[windows, dim]` of unit length; `seconds` float `[windows]` of speech in each; `chunk` and `local`
    int `[windows]`: the chunk it came from and which of the chunk's local speakers it is. Two local speakers of one chunk
    are two people.
    """

    vectors: np.ndarray
    seconds: np.ndarray
    chunk: np.ndarray
    local: np.ndarray

    def __len__(self) -> int:
        return len(self.vectors)


@attrs.frozen(eq=False)
class Clusters:
    """`labels` int `[windows]`, 0…people-1; `probability` (0…1) that the number of people is right."""

    labels: np.ndarray
    probability: float


class Clustering(ABC):
    """Finds people among windows."""

    config_class: ClassVar[type]

    def __init__(self, config: Any, backend: dict[str, np.ndarray]) -> None:
        """`backend`: arrays that the model's bundle carries for scoring its embeddings, such as a PLDA; may be empty."""
        self.config = config
        self.backend = backend

    @abstractmethod
    def __call__(self, windows: Windows, min_speakers: int = 1, max_speakers: int | None = None) -> Clusters:
        """Label every window; the number of people lies in the bounds where there are windows enough."""

    def with_newcomers(self) -> Clustering:
        """The same for a stream that goes on: who has hardly spoken yet counts too. Itself, if it asks no least of anybody."""
        return self
