"""What components are tried on: numbers that are the same at every call, and small neighbours. Importing this imports torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from fastdiar import registry
from fastdiar.core.structure import structure
from fastdiar.core.types import Batch, Frames
from fastdiar.testing.subject import Subject, hold

FRAMES = Frames(dim=24, hop=320.0, first=79.5)
LABELS = ("ada", "bo", "cy")
PARITY = 1e-5
"""How far two ways to one result may be apart: a share of the largest number, or of 1 where that is less."""


def noise(*shape: int, seed: int = 1) -> Tensor:
    """Gaussian numbers, the same at every call."""
    return 0.3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def positive(*shape: int) -> Tensor:
    """Weights between 0 and 1, the same at every call."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(2))


def clips() -> Batch:
    """Two clips, the second shorter than the batch."""
    waveform = noise(2, 4000)
    waveform[1, 3000:] = 0
    return Batch(waveform, torch.tensor([4000, 3000]), {"speaker": torch.tensor([0, 1])}, ("a", "b"))


def built(kind: str, name: str, config: dict[str, Any], *inputs: Any) -> Any:
    """A component of fastdiar's own, the same at every call."""
    component: Any = registry.lookup(kind, name)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return component(structure(config, component.config_class), *inputs)


def ready(subject: Subject) -> Any:
    """A module to be judged: in eval mode, with BatchNorms that have seen something."""
    module = subject.build(*_surroundings(subject)).eval()
    generator = torch.Generator().manual_seed(3)
    for each in module.modules():
        if isinstance(each, nn.modules.batchnorm._BatchNorm):
            for value in (each.weight, each.bias, each.running_mean, each.running_var):
                if value is not None:
                    nn.init.uniform_(value, 0.5, 1.5, generator)
    return module


def outputs(subject: Subject, module: nn.Module, device: str = "cpu") -> list[Tensor]:
    """What a module makes of an example of its kind."""
    if subject.kind == "encoder":
        return [module(noise(2, 2400).to(device), torch.tensor([2400, 1200], device=device))[0]]
    frames, lengths = noise(2, 9, FRAMES.dim).to(device), torch.tensor([9, 4], device=device)
    if subject.kind == "temporal":
        return [module(frames, lengths)]
    if subject.kind == "pooling":
        return [module(frames, positive(2, 3, 9).to(device))]
    output = module(frames, lengths) if subject.component.level == "frame" else module(noise(6, FRAMES.dim).to(device))
    return [each for each in (output.logits, output.embedding) if each is not None]


TINY_ENCODER: dict[str, Any] = {"channels": [FRAMES.dim], "kernels": [3], "pools": [320]}
SPEAKER: dict[str, Any] = {"hidden": [16], "classifier": "cosine", "dropout": 0.0}


def expect_close(found: Tensor, expected: Tensor, what: str, limit: float = PARITY) -> None:
    """Raises `Broken` where two tensors differ in shape, or by more than `limit`; `what` says of which."""
    hold(found.shape == expected.shape, f"{what}: shape {list(found.shape)} instead of {list(expected.shape)}")
    apart = (found - expected).abs().max().item() / max(1.0, expected.abs().max().item()) if expected.numel() else 0.0
    hold(apart <= limit, f"{what}: apart by {apart:.2g} of the largest number, more than {limit:g}")


def _surroundings(subject: Subject) -> tuple[Any, ...]:
    """What a component of this kind is told beside its config."""
    if subject.kind == "head":
        return (FRAMES if subject.component.level == "frame" else FRAMES.dim, LABELS)
    return () if subject.kind == "encoder" else (FRAMES,)
