"""Several processes that train one network together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor


def added_up(sums: Mapping[str, list[float]], fabric: Fabric) -> dict[str, list[float]]:
    """Each process's sums by name, added up over all of them; a process may lack some names."""
    if fabric.world_size == 1:
        return dict(sums)
    everyones: list[Mapping[str, list[float]]] = [{}] * fabric.world_size
    dist.all_gather_object(everyones, dict(sums))
    total: dict[str, list[float]] = {}
    for name, numbers in (item for each in everyones for item in each.items()):
        total[name] = [sum(pair) for pair in zip(numbers, total.get(name, [0.0] * len(numbers)), strict=True)]
    return total


def agree(tensors: Iterable[Tensor], fabric: Fabric) -> None:
    """Give every process the first one's numbers, in place."""
    if fabric.world_size > 1:
        for tensor in tensors:
            dist.broadcast(tensor.data, src=0)
