"""Layers that several encoders share. Everything here keeps padding at zero, so that it never changes a result.

A clip of `n` steps leaves a layer of stride `s` with exactly `ceil(n / s)` steps: convolutions have odd kernels and look
equally far to both sides, pools see zeros past the end. So after any number of layers it has `ceil(samples / hop)` frames.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NEVER = -1e4
"""A score that no softmax lets through: e to this power is zero in every precision, yet a row of nothing else gives numbers."""


def frame_mask(lengths: Tensor, frames: int) -> Tensor:
    """Which steps lie within each clip: `lengths [batch]` → bool `[batch, frames]`."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]


def frame_count(lengths: Tensor, hop: int) -> Tensor:
    """How many frames clips of `lengths [batch]` samples have: one for every `hop` samples begun."""
    return lengths if hop == 1 else (lengths + hop - 1) // hop


def keep_valid(x: Tensor, lengths: Tensor) -> Tensor:
    """Zero what lies past each clip's end: `[batch, …, steps]`, `lengths [batch]` in steps → the same shape.

    Exported graphs hear clips without padding, for which this would be a fifth of their time.
    """
    if torch.compiler.is_exporting():
        return x
    mask = frame_mask(lengths, x.shape[-1])
    return x * mask[(slice(None), *[None] * (x.ndim - 2))].to(x.dtype)


def full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Where autocast is off, for what half precision cannot hold."""
    kind = x.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.autocast_mode.is_autocast_available(kind) else nullcontext()


def shares(weights: Tensor) -> Tensor:
    """Weights ≥ 0 made to sum to one over the last axis, which stay zero where all of them are."""
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)


class ConvBlock(nn.Module):
    """Convolution, BatchNorm, ReLU, MaxPool: `[batch, channels, steps]` → `[batch, out, ceil(steps / (stride * pool))]`."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, pool: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.pool = pool
        self.conv = nn.Conv1d(channels, out, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm1d(out)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The block's output and its `lengths [batch]` in steps."""
        lengths = frame_count(lengths, self.stride)
        x = keep_valid(F.relu(self.norm(self.conv(x))), lengths)
        if self.pool == 1:
            return x, lengths
        # After a ReLU a zero never wins against what the clip holds, so the last, partial cell may be filled with zeros.
        # Two-dimensional, because torch's one-dimensional pool exports for the length of the example alone.
        cells = F.pad(x, (0, self.pool - 1))[:, :, None]
        return F.max_pool2d(cells, (1, self.pool))[:, :, 0], frame_count(lengths, self.pool)


class ResBlock(nn.Module):
    """Two convolutions with a shortcut (He et al., Deep residual learning, CVPR 2016), the first with the stride.

    `[batch, channels, steps]` → `[batch, out, ceil(steps / stride)]`.
    """

    def __init__(self, channels: int, out: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.first = ConvBlock(channels, out, kernel, stride)
        self.conv = nn.Conv1d(out, out, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm1d(out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != out:
            self.shortcut = nn.Sequential(nn.Conv1d(channels, out, 1, stride, bias=False), nn.BatchNorm1d(out))

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The block's output and its `lengths [batch]` in steps."""
        inner, lengths = self.first(x, lengths)
        return keep_valid(F.relu(self.norm(self.conv(inner)) + self.shortcut(x)), lengths), lengths


class ResStack(nn.Module):
    """ResBlocks in a row, one for each of `widths` and `strides`: `[batch, channels, steps]` → `[batch, widths[-1], …]`."""

    def __init__(self, channels: int, widths: tuple[int, ...], strides: tuple[int, ...], kernel: int = 3) -> None:
        super().__init__()
        before = (channels, *widths[:-1])
        self.blocks = nn.ModuleList(
            ResBlock(channels, out, kernel, stride) for channels, out, stride in zip(before, widths, strides, strict=True)
        )

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The last block's output and its `lengths [batch]` in steps."""
        for block in self.blocks:
            x, lengths = block(x, lengths)
        return x, lengths
