"""Sounds whose pitch, level and place can be measured."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fastdiar.core.types import RATE, Batch


def tone(hertz: float, samples: int = 2 * RATE) -> Tensor:
    """A pure tone, `[samples]`."""
    return 0.3 * torch.sin(2 * math.pi * hertz / RATE * torch.arange(samples))


def pitch(sound: Tensor) -> float:
    """The frequency (Hz) that is loudest in the middle of `sound [samples]`, between bins."""
    middle = sound[len(sound) // 4 : 3 * len(sound) // 4]
    power = torch.fft.rfft(middle * torch.hann_window(len(middle))).abs().log()
    peak = int(power.argmax())
    left, top, right = power[peak - 1 : peak + 2].tolist()
    return (peak + 0.5 * (left - right) / (left - 2 * top + right)) * RATE / len(middle)


def batch_of(*clips: Tensor, **labels: list[int]) -> Batch:
    """The clips as a batch, zero-padded to the longest."""
    waveform = torch.nn.utils.rnn.pad_sequence(list(clips), batch_first=True)
    numbers = {task: torch.tensor(values) for task, values in labels.items()}
    return Batch(waveform, torch.tensor([len(clip) for clip in clips]), numbers, tuple(map(str, range(len(clips)))))


def noise(samples: int, seed: int = 0) -> Tensor:
    """White noise, `[samples]`."""
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def seeded(seed: int = 0) -> torch.Generator:
    """A generator of random numbers."""
    return torch.Generator().manual_seed(seed)
