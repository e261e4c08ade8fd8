"""Higher or lower voices at the same pace."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
from attrs import field
from torch import Tensor

from fastdiar.core import checks, draws
from fastdiar.core.clips import resounded
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.pace import WHOLE, by_percent, percent, resampled, stretched
from fastdiar.core.types import Batch


@attrs.frozen
class PitchShiftConfig:
    """How far, how often."""

    probability: float = field(default=0.5, validator=checks.share, metadata={"help": "share of clips that are changed"})
    semitones: tuple[float, float] = field(
        default=(-2.0, 2.0),
        validator=[checks.ordered, checks.between(-12, 12)],
        metadata={"help": "furthest down and up, to a hundredth of the frequency; 12 are an octave"},
    )


class PitchShift(Augmentation):
    """Shifts a clip's pitch: stretched by a phase vocoder, then played so much faster or slower that it lasts as long as before.

    Draws `percent [batch]` of its frequencies, int64, 100 for a clip left alone.
    """

    config_class = PitchShiftConfig

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`percent [batch]` int64."""
        semitones = draws.uniform(*self.config.semitones, len(batch.lengths), generator)
        chosen = draws.chosen(self.config.probability, len(semitones), generator)
        return {"percent": percent(2 ** (semitones / 12), chosen, batch)}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch at its new pitch."""
        clips = (drawn["percent"] != WHOLE).nonzero()[:, 0]
        return resounded(batch, clips, lambda sound: by_percent(sound, drawn["percent"][clips], _shifted))


def _shifted(sound: Tensor, percent: int) -> Tensor:
    """`[clips, samples]` at `percent` of its frequencies, just as long."""
    return resampled(stretched(sound, WHOLE**2 / percent), percent)[:, : sound.shape[1]]
