"""Pace and pitch of clips, in per cent of their own: hundredths, because resampling by them takes short filters."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import torch
import torch.nn.functional as F
import torchaudio.functional as audio
from attrs import field
from torch import Tensor

from fastdiar.core import checks, draws
from fastdiar.core.layers import frame_mask
from fastdiar.core.types import Batch

WHOLE = 100
"""Per cent at which a clip stays as it is."""
WINDOW, HOP = 1024, 256
"""Of the phase vocoder (samples): 64 ms tell the harmonics of a deep voice apart."""


@attrs.frozen
class PaceConfig:
    """How fast, how often."""

    probability: float = field(default=0.5, validator=checks.share, metadata={"help": "share of clips that are changed"})
    factor: tuple[float, float] = field(
        default=(0.9, 1.1),
        validator=[checks.ordered, checks.between(0.5, 2)],
        metadata={"help": "slowest and fastest, drawn in hundredths; 1 is the clip's own pace"},
    )


def draw_pace(config: PaceConfig, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
    """`percent [batch]` of each clip's pace, int64, 100 for a clip left alone."""
    factor = draws.uniform(*config.factor, len(batch.lengths), generator)
    return {"percent": percent(factor, draws.chosen(config.probability, len(factor), generator), batch)}


def percent(ratio: Tensor, chosen: Tensor, batch: Batch) -> Tensor:
    """Drawn ratios `[batch]` in per cent, int64 on the batch's device; 100 where a clip was not chosen."""
    return (WHOLE * ratio).round().long().masked_fill(~chosen, WHOLE).to(batch.waveform.device)


def by_percent(sound: Tensor, percent: Tensor, change: Callable[[Tensor, int], Tensor]) -> Tensor:
    """`sound [clips, samples]`, each clip changed by its `percent` (int64 `[clips]`), clips of one value together.

    `change` may give more samples or fewer: they are cut, or filled up with zeros.
    """
    done = sound.clone()
    for value in sorted(set(percent.tolist())):
        if value != WHOLE:
            clips = percent == value
            changed = change(sound[clips].float(), value)[:, : sound.shape[1]]
            done[clips] = F.pad(changed, (0, sound.shape[1] - changed.shape[1])).to(sound.dtype)
    return done


def retimed(batch: Batch, percent: Tensor, change: Callable[[Tensor, int], Tensor]) -> Batch:
    """The batch with its clips at `percent` of their pace, as `change` makes them: lengths and activity follow the sound.

    A slower clip loses its end where the batch has no room for it.
    """
    samples = batch.waveform.shape[1]
    lengths = torch.clamp((batch.lengths * WHOLE + percent - 1) // percent, max=samples)
    waveform = by_percent(batch.waveform, percent, change) * frame_mask(lengths, samples)
    activity = None if batch.activity is None else _repaced(batch.activity, percent)
    return attrs.evolve(batch, waveform=waveform, lengths=lengths, activity=activity)


def stretched(sound: Tensor, percent: float) -> Tensor:
    """`sound [clips, samples]` at `percent` of its pace, its pitch kept: `[clips, samples * 100 / percent, and a little more]`.

    A phase vocoder (Flanagan and Golden, Phase vocoder, Bell System Technical Journal 1966).
    """
    window = torch.hann_window(WINDOW, device=sound.device)
    padded = F.pad(sound, (0, WINDOW))  # so that a clip's end is heard by as many frames as its middle
    spectrum = torch.stft(padded, WINDOW, HOP, window=window, pad_mode="constant", return_complex=True)
    repaced = _repaced_spectrum(spectrum, percent / WHOLE)
    return torch.istft(repaced, WINDOW, HOP, window=window, length=math.ceil(padded.shape[1] * WHOLE / percent))


def resampled(sound: Tensor, percent: int) -> Tensor:
    """`sound [clips, samples]` at `percent` of its pace, its pitch with it: `[clips, ceil(samples * 100 / percent)]`."""
    changed: Tensor = audio.resample(sound, percent, WHOLE)
    return changed


def _repaced_spectrum(spectrum: Tensor, rate: float) -> Tensor:
    """`[clips, bins, frames]` complex at `rate` times its pace: each phase goes on turning as fast as it did.

    What torchaudio's `phase_vocoder` gives, in half its time: phases need no unwrapping where both hops are the same.
    """
    time = torch.arange(0, spectrum.shape[-1], rate, dtype=torch.float64, device=spectrum.device)
    before = time.long()
    angle, size = F.pad(spectrum.angle(), (0, 2)), F.pad(spectrum.abs(), (0, 2))
    turns = angle.diff(dim=-1)[..., before]
    phase = torch.cat((angle[..., :1], turns[..., :-1]), -1).cumsum(-1)
    size = torch.lerp(size[..., before], size[..., before + 1], (time - before).float())
    return torch.complex(size * phase.cos(), size * phase.sin())


def _repaced(activity: Tensor, percent: Tensor) -> Tensor:
    """`activity [batch, frames, speakers]` at a percentage of its pace; nobody speaks past the clip's end."""
    frames = activity.shape[1]
    source = torch.arange(frames, device=activity.device) * percent[:, None] // WHOLE
    moved = activity.gather(1, source.clamp(max=frames - 1)[..., None].expand_as(activity))
    return moved * (source < frames)[..., None]
