"""What augmentations draw. Numbers come from the generator handed in, on its own device, so a seed means the same everywhere."""

from __future__ import annotations

import torch
from torch import Tensor


def uniform(low: float, high: float, clips: int, generator: torch.Generator) -> Tensor:
    """One number a clip, evenly from `low` to `high`: `[clips]` float32 on the generator's device."""
    return low + (high - low) * torch.rand(clips, generator=generator, device=generator.device)


def chosen(probability: float, clips: int, generator: torch.Generator) -> Tensor:
    """Which clips are changed: bool `[clips]` on the generator's device."""
    return torch.rand(clips, generator=generator, device=generator.device) < probability
