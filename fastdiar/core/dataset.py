"""The interface of a dataset: lists utterances from metadata, loads one of them. Needs no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np

from fastdiar.core import audio
from fastdiar.core.types import Turn


@attrs.frozen
class Entry:
    """One utterance: where it is, and what is known of it (`labels`: task → value, such as speaker → "ls1688").

    `start` and `seconds` cut a stretch out of a longer file; `seconds` None is "to the end". `key` is unique in the dataset.
    Training may play it at another `speed` than the recorded one, which `load` gives.
    """

    key: str
    path: Path
    labels: dict[str, str]
    start: float = 0.0
    seconds: float | None = None
    speed: float = 1.0


class Dataset(ABC):
    """A corpus. `entries` reads names and metadata only; no audio is opened to list it."""

    config_class: ClassVar[type]

    def __init__(self, config: Any) -> None:
        self.config = config

    @abstractmethod
    def entries(self) -> list[Entry]:
        """Every utterance of the configured split, in an order that does not depend on the machine."""

    def turns(self, entry: Entry) -> tuple[Turn, ...] | None:
        """Who speaks when in one entry, in seconds from its start; None where the corpus does not tell."""
        return None

    def load(self, entry: Entry) -> np.ndarray:
        """One entry's samples, float32 `[samples]` at 16 kHz; raises `AudioError`. A corpus that is not files overrides this."""
        return audio.read(entry.path, entry.start, entry.seconds)
