"""Local voices have no order: what a network calls first, a reference may call second. Losses try every order."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from fastdiar.core.powerset import powerset


def reorderings(speakers: int, at_once: int) -> Tensor:
    """For each order of the speakers, the class that each class becomes: int64 `[orders, classes]`."""
    groups = powerset(speakers, at_once)
    return torch.tensor(np.array([_places(groups[:, list(order)], groups) for order in permutations(range(speakers))]))


def classes_of(activity: Tensor, speakers: int, at_once: int) -> Tensor:
    """The class of each frame: `activity [batch, frames, any number of speakers]` 0…1 → int64 `[batch, frames]`.

    Of more speakers than the classes tell apart, those with the most speech count; of more at once, the more active.
    """
    most = activity.sum(1).topk(min(speakers, activity.shape[-1]), dim=-1).indices
    chosen = activity.gather(2, most[:, None].expand(-1, activity.shape[1], -1))
    chosen = torch.nn.functional.pad(chosen, (0, speakers - chosen.shape[-1]))
    # Ties go to the first, so that one frame's choice does not depend on another's.
    ahead = torch.arange(speakers, 0, -1, device=activity.device) * 1e-4
    rank = (chosen + ahead).argsort(-1, descending=True).argsort(-1)
    active = ((chosen >= 0.5) & (rank < at_once)).float()
    groups = torch.as_tensor(powerset(speakers, at_once), device=activity.device)
    return torch.cdist(active, groups.expand(len(active), -1, -1)).argmin(-1)


def _places(rows: np.ndarray, among: np.ndarray) -> list[int]:
    return [int(np.flatnonzero((among == row).all(axis=1))[0]) for row in rows]
