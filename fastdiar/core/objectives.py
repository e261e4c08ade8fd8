"""What several losses share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastdiar.core.bundle import Activity
from fastdiar.core.errors import TrainingError
from fastdiar.core.interfaces import Output
from fastdiar.core.layers import frame_mask
from fastdiar.core.types import TICK, Batch


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """The mean over clips whose label is known: `[batch, classes]`, `[batch]` with -1 = unknown → a scalar, 0 if none is."""
    total = F.cross_entropy(logits.float(), labels, ignore_index=-1, reduction="sum", label_smoothing=smoothing)
    return total / (labels >= 0).sum().clamp(min=1)


def accuracy(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """`{"accuracy": share of the clips with a known label that the largest logit names}`; empty where no label is known."""
    known = labels >= 0
    count = known.sum().item()
    return {"accuracy": ((logits.argmax(-1) == labels) & known).sum().item() / count} if count else {}


def taught(name: str, what: str, teacher: Mapping[str, Output] | None) -> Tensor:
    """What the teacher `name` says, float32: "logits", "embedding" or "frames"; raises `TrainingError` where it says none."""
    said = None if teacher is None or name not in teacher else getattr(teacher[name], what)
    if said is None:
        raise TrainingError(f"[teacher.{name}]: has no {what}: choose another teacher or loss, or set what the teacher gives")
    return cast("Tensor", said).float()


def same_size(name: str, what: str, teacher: Tensor, own: Tensor) -> None:
    """Raises `TrainingError` where teacher and network do not give vectors of one size."""
    if teacher.shape[-1] != own.shape[-1]:
        raise TrainingError(
            f"[teacher.{name}]: has {teacher.shape[-1]} {what}, the network {own.shape[-1]}: they must be as many"
        )


def embedding_size(name: str, heads: Mapping[str, nn.Module]) -> int:
    """The size of a head's embedding; raises `ValueError` where it has none."""
    size = getattr(heads[name], "embedding", 0)
    if not size:
        raise ValueError(f'needs a head with an embedding, such as use = "speaker": [head.{name}] has none')
    return int(size)


def heard(batch: Batch, count: int) -> Tensor:
    """Which of `count` frames, spread evenly over a batch's samples, lie within each clip: bool `[batch, count]`."""
    return frame_mask((batch.lengths * count / batch.waveform.shape[-1]).ceil(), count)


def resampled(frames: Tensor, count: int) -> Tensor:
    """`[batch, frames, size]` → `[batch, count, size]`: means where frames are many, lines between them where they are few."""
    channels = frames.transpose(1, 2)
    many = channels.shape[-1] >= count
    fitted = F.adaptive_avg_pool1d(channels, count) if many else F.interpolate(channels, count, mode="linear")
    return fitted.transpose(1, 2)


def at_frames(activity: Tensor, grid: Activity, count: int) -> Tensor:
    """Who speaks in the middle of each of `count` frames: `[batch, ticks, speakers]` → `[batch, count, speakers]`."""
    middles = grid.first + grid.hop * torch.arange(count, device=activity.device)
    return activity[:, (middles / TICK).long().clamp(0, activity.shape[1] - 1)]
