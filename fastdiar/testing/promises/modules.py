"""What every part of a network promises: encoders, temporal blocks, poolings and heads."""

from __future__ import annotations

from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.export import Dim

from fastdiar.core.interfaces import Output
from fastdiar.core.onnx_graphs import LIMITS, module_apart
from fastdiar.testing.examples import FRAMES, expect_close, noise, outputs, positive, ready
from fastdiar.testing.subject import Subject, applies, hold

ROUGH = 0.05
"""How far half precision may be off, as a share of the whole."""


def repeats_itself(subject: Subject) -> None:
    """In eval mode the same input gives the same output, and no random number is drawn."""
    module = ready(subject)
    before = torch.get_rng_state()
    first, second = outputs(subject, module), outputs(subject, module)
    hold(torch.equal(torch.get_rng_state(), before), "torch's global generator moved on")
    hold(all(torch.equal(*pair) for pair in zip(first, second, strict=True)), "two calls differ")


def learns_with_every_parameter(subject: Subject) -> None:
    """In train mode gradients reach every parameter, and are finite."""
    module = ready(subject).train()
    applies(any(True for _ in module.parameters()), "has no parameters")
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        sum((output * noise(*output.shape, seed=9)).sum() for output in outputs(subject, module)).backward()
    idle = [key for key, value in module.named_parameters() if value.grad is None or not value.grad.any()]
    hold(not idle, f"no gradient for {', '.join(idle)}")
    infinite = [key for key, value in module.named_parameters() if not value.grad.isfinite().all()]
    hold(not infinite, f"gradients that are no numbers for {', '.join(infinite)}")


def bears_half_precision(subject: Subject) -> None:
    """Under torch.autocast with bfloat16 the output stays within 5 % of that of float32."""
    module = ready(subject)
    exact = outputs(subject, module)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = outputs(subject, module)
    for one, other in zip(exact, rough, strict=True):
        off = ((one - other.float()).norm() / one.norm().clamp(min=1e-9)).item()
        hold(off < ROUGH, f"off by {off:.1%}: compute what half precision cannot hold under fastdiar.core.layers.full_precision")


@torch.no_grad()
def moves_to_another_device(subject: Subject) -> None:
    """After .to(device) everything is there: what is no parameter is a buffer, and new tensors are made beside their inputs."""
    module = ready(subject)
    shapes = [each.shape for each in outputs(subject, module)]
    for device in ("meta", *(["cuda"] if torch.cuda.is_available() else [])):
        moved = outputs(subject, ready(subject).to(device), device)
        hold(all(each.device.type == device for each in moved), f"on {device}, outputs on {moved[0].device.type}")
        hold([each.shape for each in moved] == shapes, f"on {device}, shapes {[list(each.shape) for each in moved]}")


@torch.no_grad()
def is_kept_in_safetensors(subject: Subject) -> None:
    """Its state_dict holds tensors alone; stored as safetensors and loaded into a new one, it gives the same outputs."""
    module, other = ready(subject), ready(subject)
    stored = safetensors.torch.save({key: value.contiguous() for key, value in module.state_dict().items()})
    for value in other.state_dict().values():
        value.zero_()
    other.load_state_dict(safetensors.torch.load(stored))
    for one, again in zip(outputs(subject, module), outputs(subject, other), strict=True):
        expect_close(again, one, "after loading")


def exports_to_onnx(subject: Subject) -> None:
    """As an ONNX graph it takes any number of clips of any length, and onnxruntime gives what torch gives."""
    module = ready(subject)
    graph = _Weighs if subject.kind == "pooling" else _Judges if _clipwise(subject) else _Hears
    axes = {"heard": (0,) if _clipwise(subject) else (0, 1), "weights": (0, 1, 2)}
    inputs = [_sized(subject, clips, length) for clips, length in ((1, 25), (3, 7), (2, 12))]
    dynamic = {name: dict.fromkeys(axes[name], Dim.DYNAMIC) for name in inputs[0]}
    names = [f"output{number}" for number, _ in enumerate(outputs(subject, module))]
    apart = module_apart(graph(module), names, inputs, dynamic)
    hold(apart <= LIMITS["fp32"], f"apart by {apart:.2g} of the largest number, more than {LIMITS['fp32']:g}")


PROMISES = (
    repeats_itself,
    learns_with_every_parameter,
    bears_half_precision,
    moves_to_another_device,
    is_kept_in_safetensors,
    exports_to_onnx,
)


class _Hears(nn.Module):
    """A module that is told the lengths of its clips, all of which are whole."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, heard: Tensor) -> Any:
        """What it says of `heard [batch, samples]` or `[batch, frames, dim]`."""
        return _tensors(self.module(heard, torch.full((heard.shape[0],), heard.shape[1], dtype=torch.int64)))


class _Judges(_Hears):
    """A head of whole clips."""

    def forward(self, heard: Tensor) -> Any:
        """What it says of `heard [batch, dim]`."""
        return _tensors(self.module(heard))


class _Weighs(_Hears):
    """A pooling."""

    def forward(self, heard: Tensor, weights: Tensor) -> Any:
        """The vectors of `heard [batch, frames, dim]`, `weights [batch, speakers, frames]`."""
        return self.module(heard, weights)


def _clipwise(subject: Subject) -> bool:
    return subject.kind == "head" and subject.component.level == "clip"


def _sized(subject: Subject, clips: int, length: int) -> dict[str, Tensor]:
    """So many clips of so many frames, by the names of a graph's inputs."""
    if subject.kind == "encoder":
        return {"heard": noise(clips, length * 400)}
    if _clipwise(subject):
        return {"heard": noise(clips, FRAMES.dim)}
    heard = {"heard": noise(clips, length, FRAMES.dim)}
    if subject.kind == "pooling":
        heard["weights"] = positive(clips, clips + 1, length)
        heard["weights"][:, -1] = 0
    return heard


def _tensors(said: Any) -> Any:
    """What a graph can give: an encoder's frames without their lengths, the parts of an Output."""
    if isinstance(said, Output):
        return tuple(each for each in (said.logits, said.embedding) if each is not None)
    return said[0] if isinstance(said, tuple) else said
