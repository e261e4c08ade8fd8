"""Other people talking in the background: the other clips of the batch."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor

from fastdiar.core import checks, draws
from fastdiar.core.clips import mixed
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.types import Batch


@attrs.frozen
class BabbleConfig:
    """How many, how loud, how often."""

    probability: float = field(default=0.5, validator=checks.share, metadata={"help": "share of clips that are changed"})
    voices: int = field(default=4, validator=validators.ge(1), metadata={"help": "clips in the background, as many as there are"})
    snr: tuple[float, float] = field(
        default=(13.0, 20.0),
        validator=checks.ordered,
        metadata={"help": "lowest and highest power of the voice over the babble (dB)"},
    )


class Babble(Augmentation):
    """Adds the sum of other clips of the batch at a signal-to-noise ratio; never the clip itself, nor one of its speaker.

    Draws `voices [batch, voices]`, numbers of clips or -1 where there is none left, and `snr [batch]` in dB, infinite for a
    clip left alone. Voices are summed as loud as they are.
    """

    config_class = BabbleConfig
    hears_others = True

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`voices [batch, voices]` int64, `snr [batch]` in dB."""
        clips, device = len(batch.lengths), batch.waveform.device
        order = torch.rand(clips, clips, generator=generator, device=generator.device).to(device)
        order = order.masked_fill(_same_voice(batch), -1)
        best, voices = order.topk(min(self.config.voices, clips), dim=1)
        snr = draws.uniform(*self.config.snr, clips, generator)
        alone = ~draws.chosen(self.config.probability, clips, generator)
        return {"voices": voices.masked_fill(best < 0, -1), "snr": snr.masked_fill(alone, torch.inf).to(device)}

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch with its babble; padding stays zero."""
        voices = drawn["voices"]
        weights = F.one_hot(voices.clamp(min=0), len(batch.lengths)) * (voices >= 0)[..., None]
        return mixed(batch, weights.sum(1).float() @ batch.waveform.float(), drawn["snr"])


def _same_voice(batch: Batch) -> Tensor:
    """Which clips are known to be of one speaker: bool `[batch, batch]`, each clip of its own."""
    same = torch.eye(len(batch.lengths), dtype=torch.bool, device=batch.waveform.device)
    if "speaker" not in batch.labels:
        return same
    speaker = batch.labels["speaker"]
    return same | ((speaker[:, None] == speaker) & (speaker >= 0))
