"""Noise under the voice: white, or stretches of recorded noise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
import numpy as np
import torch
from attrs import field
from torch import Tensor

from fastdiar.core import audio, checks, draws
from fastdiar.core.errors import AudioError
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.types import Batch

SOUND = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3"})

SILENCE = 1e-12
"""Power, summed over a clip, below which noise is silence and adds nothing."""


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
    the folder holds no recording.
    """

    config_class = AddNoiseConfig

    def __init__(self, config: AddNoiseConfig) -> None:
        super().__init__(config)
        self.files = [] if config.folder is None else recordings(config.folder)

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`noise [batch, samples]` at any level, `snr [batch]` in dB."""
        clips = len(batch.lengths)
        snr = draws.uniform(*self.config.snr, clips, generator)
        noisy = draws.chosen(self.config.probability, clips, generator)
        noise = torch.zeros(batch.waveform.shape, device=generator.device)
        for clip in noisy.nonzero()[:, 0].tolist():
            noise[clip] = self._noise(noise.shape[1], generator)
        device = batch.waveform.device
        return {"noise": noise.to(device), "snr": snr.masked_fill(~noisy, torch.inf).to(device)}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch with the noise scaled to its ratio; padding stays zero, silent noise adds nothing."""
        inside = torch.arange(batch.waveform.shape[1], device=batch.waveform.device) < batch.lengths[:, None]
        noise = drawn["noise"] * inside
        voice_power = (batch.waveform * inside).square().sum(1)
        noise_power = noise.square().sum(1).clamp(min=SILENCE)
        scale = (voice_power / noise_power).sqrt() * 10 ** (-drawn["snr"] / 20)
        return attrs.evolve(batch, waveform=batch.waveform + noise * scale[:, None])

    def _noise(self, samples: int, generator: torch.Generator) -> Tensor:
        """`[samples]`: Gaussian, or a stretch of a recording from a random place on, from its start again where it ends."""
        if not self.files:
            return torch.randn(samples, generator=generator, device=generator.device)
        which, place = torch.rand(2, generator=generator, device=generator.device).tolist()
        recorded = audio.read(self.files[int(which * len(self.files))])
        stretch = np.take(recorded, int(place * len(recorded)) + np.arange(samples), mode="wrap")
        return torch.from_numpy(stretch).to(generator.device)


def recordings(folder: Path) -> list[Path]:
    """Every sound file in a folder and all below, in an order that does not depend on the machine."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUND)
    if not files:
        raise AudioError(f"{folder}: holds no recording of noise ({', '.join(sorted(SOUND))})")
    return files
