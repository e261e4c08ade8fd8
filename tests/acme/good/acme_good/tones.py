"""The dataset `acme/tones`."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
from attrs import field, validators

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.types import RATE


@attrs.frozen
class TonesConfig:
    """Which tones."""

    root: Path = field(metadata={"help": "folder that names them"})
    pitches: tuple[float, ...] = field(
        default=(220.0, 440.0), validator=validators.deep_iterable(validators.gt(0)), metadata={"help": "one a speaker (Hz)"}
    )
    extra: Path | None = field(default=None, metadata={"help": "another folder"})


class Tones(Dataset):
    """Pure tones of one second."""

    config_class = TonesConfig

    def entries(self) -> list[Entry]:
        """One entry a pitch."""
        return [Entry(str(pitch), self.config.root / str(pitch), {"speaker": str(pitch)}) for pitch in self.config.pitches]

    def load(self, entry: Entry) -> np.ndarray:
        """The tone, float32 `[samples]`."""
        return np.sin(np.arange(RATE) * float(entry.key) * 2 * np.pi / RATE).astype(np.float32)
