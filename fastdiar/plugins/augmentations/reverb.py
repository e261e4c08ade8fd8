"""Rooms: measured ones, or made of noise that dies away."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import attrs
import numpy as np
import torch
import torch.nn.functional as F
import torchaudio.functional
from attrs import field
from scipy.fft import next_fast_len
from torch import Tensor

from fastdiar.core import audio, checks, draws
from fastdiar.core.clips import resounded
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.types import RATE, Batch

BEFORE = 8
"""Samples of a response before its highest one, the direct sound: it rises within them."""
FIRST_ECHO = RATE // 250
"""Samples from the direct sound to the first echo of a made room: 4 ms, a detour of 1.4 m."""
LONGEST = RATE
"""Samples that are kept of a measured response."""


@attrs.frozen
class ReverbConfig:
    """Which rooms, how often."""

    probability: float = field(default=0.5, validator=checks.share, metadata={"help": "share of clips that are changed"})
    folder: Path | None = field(
        default=None, metadata={"help": "measured room responses, looked for in all folders below; none: rooms are made"}
    )
    rt60: tuple[float, float] = field(
        default=(0.2, 0.8),
        validator=[checks.ordered, checks.between(0.05, 5)],
        metadata={"help": "of made rooms: shortest and longest time in which echoes fall by 60 dB (seconds)"},
    )
    direct: tuple[float, float] = field(
        default=(0.0, 12.0),
        validator=checks.ordered,
        metadata={"help": "of made rooms: lowest and highest power of the direct sound over the echoes (dB)"},
    )


class Reverb(Augmentation):
    """Puts a clip into a room: a convolution, with the direct sound where it was and about as loud as before.

    Draws each clip's `response [batch, taps]` with unit energy, its direct sound at tap 8, all zero for a clip left alone; of
    made rooms `rt60` and `direct` `[batch]` too. Raises `AudioError` where the folder holds no recording, or a broken one.
    """

    config_class = ReverbConfig

    def __init__(self, config: ReverbConfig) -> None:
        super().__init__(config)
        self.files = [] if config.folder is None else audio.recordings(config.folder, opened=True)

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`response [batch, taps]`, and what made it."""
        clips = len(batch.lengths)
        chosen = draws.chosen(self.config.probability, clips, generator)
        drawn = self._measured(clips, generator) if self.files else self._made(clips, generator)
        response = drawn["response"] * chosen[:, None]
        norm = torch.linalg.vector_norm(response, dim=1, keepdim=True).clamp(min=1e-9)
        return {name: values.to(batch.waveform.device) for name, values in {**drawn, "response": response / norm}.items()}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch as heard in its rooms; what would ring on past a clip's end is cut off."""
        clips = drawn["response"].any(1).nonzero()[:, 0]
        return resounded(batch, clips, lambda sound: _heard(sound, drawn["response"][clips]))

    def _measured(self, clips: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Responses of the folder, each as likely."""
        which = draws.index(len(self.files), clips, generator)
        responses = [torch.from_numpy(_read(self.files[each])) for each in which.tolist()]
        return {"response": torch.nn.utils.rnn.pad_sequence(responses, batch_first=True).to(generator.device)}

    def _made(self, clips: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The direct sound, then noise that dies away."""
        rt60, direct = (draws.uniform(*each, clips, generator) for each in (self.config.rt60, self.config.direct))
        taps = int(self.config.rt60[1] * RATE)
        time = torch.arange(taps, device=generator.device) / RATE
        echoes = torch.randn(clips, taps, generator=generator, device=generator.device) * 10 ** (-3 * time / rt60[:, None])
        echoes = echoes / torch.linalg.vector_norm(echoes, dim=1, keepdim=True) * 10 ** (-direct[:, None] / 20)
        response = F.pad(echoes, (BEFORE + FIRST_ECHO, 0))
        response[:, BEFORE] = 1
        return {"response": response, "rt60": rt60, "direct": direct}


def _heard(sound: Tensor, response: Tensor) -> Tensor:
    """`[clips, samples]` through `[clips, taps]`, as long as before, the direct sound where it was."""
    size = sound.shape[1] + response.shape[1] - 1
    response = F.pad(response, (0, next_fast_len(size, real=True) - size))
    return torchaudio.functional.fftconvolve(sound, response)[:, BEFORE : BEFORE + sound.shape[1]]


@lru_cache(maxsize=1000)
def _read(path: Path) -> np.ndarray:
    """A measured response, float32 `[taps]`, its highest sample at `BEFORE`."""
    response = np.pad(audio.read(path), (BEFORE, 0))
    return response[int(np.argmax(np.abs(response))) - BEFORE :][:LONGEST]
