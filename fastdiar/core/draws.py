"""What augmentations draw. Numbers come from the generator handed in, on its own device, so a seed means the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor


def uniform(low: float, high: float, clips: int, generator: torch.Generator) -> Tensor:
    """One number a clip, evenly from `low` to `high`: `[clips]` float32 on the generator's device."""
    return low + (high - low) * torch.rand(clips, generator=generator, device=generator.device)


def index(count: int, clips: int, generator: torch.Generator) -> Tensor:
    """One number below `count` a clip, each as likely: int64 `[clips]` on the generator's device."""
    return torch.randint(count, (clips,), generator=generator, device=generator.device)


def chosen(probability: float, clips: int, generator: torch.Generator) -> Tensor:
    """Which clips are changed: bool `[clips]` on the generator's device."""
    return torch.rand(clips, generator=generator, device=generator.device) < probability


def told(drawn: Mapping[str, Tensor], clip: int) -> dict[str, float]:
    """What was drawn for one clip of a batch, as far as it is numbers a person can read.

    Of what `one_of` drew, only the values of the choice that fell on the clip: what stands before a dot has `clips` of its own.
    """
    numbers: dict[str, float] = {}
    inner: dict[str, dict[str, Tensor]] = {}
    for name, values in drawn.items():
        choice, dot, key = name.partition(".")
        if dot:
            inner.setdefault(choice, {})[key] = values
        elif values.ndim == 1 and math.isfinite(values[clip]):
            numbers[name] = values[clip].item()
    for choice, its in inner.items():
        place = (its.pop("clips") == clip).nonzero()
        if len(place):
            numbers |= {f"{choice}.{key}": number for key, number in told(its, int(place[0, 0])).items()}
    return numbers
