"""Noise under the voice: white, or stretches of recorded noise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import attrs
import numpy as np
import torch
from attrs import field
from torch import Tensor

from fastdiar.core import audio, checks, draws
from fastdiar.core.clips import mixed
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.types import RATE, Batch

KEPT, KEPT_SECONDS = 100, 30.0
"""So many recordings of noise stay in memory once heard, 190 MB at most; of longer ones the stretch alone is read."""


@attrs.frozen
class AddNoiseConfig:
    """Which noise, how loud, how often."""

    probability: float = field(default=0.5, validator=checks.share, metadata={"help": "share of clips that are changed"})
    snr: tuple[float, float] = field(
        default=(10.0, 30.0),
        validator=checks.ordered,
        metadata={"help": "lowest and highest power of the voice over the noise (dB)"},
    )
    folder: Path | None = field(
        default=None, metadata={"help": "recordings of noise, looked for in all folders below; none: Gaussian noise"}
    )


class AddNoise(Augmentation):
    """Adds noise at a signal-to-noise ratio: mean power over mean power, each over the clip's own samples.

    Draws the `noise [batch, samples]` and `snr [batch]` in dB, infinite for a clip left alone. Raises `AudioError` where
    the folder holds no recording, or one that cannot be read: better now than in the middle of an epoch.
    """

    config_class = AddNoiseConfig

    def __init__(self, config: AddNoiseConfig) -> None:
        super().__init__(config)
        self.files = [] if config.folder is None else audio.recordings(config.folder, opened=True)

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`noise [batch, samples]` at any level, `snr [batch]` in dB."""
        clips, device = len(batch.lengths), batch.waveform.device
        snr = draws.uniform(*self.config.snr, clips, generator)
        noisy = draws.chosen(self.config.probability, clips, generator)
        noise = torch.zeros(batch.waveform.shape, device=device)
        noise[noisy.to(device)] = self._noise(int(noisy.sum()), noise.shape[1], generator).to(device)
        return {"noise": noise, "snr": snr.masked_fill(~noisy, torch.inf).to(device)}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch with the noise scaled to its ratio; padding stays zero, silent noise adds nothing."""
        return mixed(batch, drawn["noise"], drawn["snr"])

    def _noise(self, clips: int, samples: int, generator: torch.Generator) -> Tensor:
        """`[clips, samples]`: Gaussian, or stretches of recordings."""
        if not self.files:
            return torch.randn(clips, samples, generator=generator, device=generator.device)
        which, places = draws.index(len(self.files), clips, generator), draws.uniform(0, 1, clips, generator)
        drawn = zip(which.tolist(), places.tolist(), strict=True)
        stretches = [_stretch(self.files[each], place, samples) for each, place in drawn]
        return torch.from_numpy(np.array(stretches, np.float32).reshape(clips, samples))


def _stretch(path: Path, place: float, samples: int) -> np.ndarray:
    """`[samples]` of a recording; one that is shorter is heard from `place` (0 to 1) on, then over and over."""
    recorded = _kept(path)
    if recorded is None:
        spare = max(0.0, audio.length(path) - samples / RATE)
        recorded, first = audio.read(path, place * spare, samples / RATE), 0
    else:
        first = int(place * (len(recorded) - samples if len(recorded) > samples else len(recorded)))
    if first + samples <= len(recorded):
        return recorded[first : first + samples]
    return np.take(recorded, first + np.arange(samples), mode="wrap")


@lru_cache(maxsize=KEPT)
def _kept(path: Path) -> np.ndarray | None:
    """A recording that is short enough to stay in memory; None where it is longer."""
    return None if audio.length(path) > KEPT_SECONDS else audio.read(path)
