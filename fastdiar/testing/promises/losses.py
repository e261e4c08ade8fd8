"""What every loss promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fastdiar.core.interfaces import Output
from fastdiar.core.types import Batch
from fastdiar.testing.examples import FRAMES, LABELS, SPEAKER, built, expect_close, noise, positive
from fastdiar.testing.subject import Subject, applies, hold

CLIPS, COUNT, TEACHER = 12, 10, 16
"""Clips of a batch, frames of a clip, numbers in a teacher's embedding."""
STEPS = 40


def takes_hard_cases(subject: Subject) -> None:
    """The loss is one finite number, and so are its gradients, whatever the batch."""
    scene = _scene(subject)
    labels = scene.batch.labels["speaker"]
    sure = {name: _scaled(output, 1e4) for name, output in scene.said().items()}
    flat = {name: _scaled(output, 0.0) for name, output in scene.said().items()}
    cases: dict[str, tuple[Mapping[str, Output], Batch, Mapping[str, Output]]] = {
        "no label is known": (scene.said(), scene.labelled(torch.full_like(labels, -1)), scene.teacher),
        "all clips are of one class": (scene.said(), scene.labelled(torch.zeros_like(labels)), scene.teacher),
        "there is one clip": (_rows(scene.said(), [0]), scene.batch.take([0]), _rows(scene.teacher, [0])),
        "the network is sure and wrong": (sure, scene.batch, scene.teacher),
        "the network says nothing but zeros": (flat, scene.batch, scene.teacher),
    }
    for case, (outputs, batch, teacher) in cases.items():
        value, figures = scene.loss(outputs, batch, teacher)
        hold(value.shape == (), f"where {case}: shape {list(value.shape)} instead of one number")
        hold(bool(value.isfinite()), f"where {case}: the loss is {value.item()}")
        hold(all(isinstance(each, float) for each in figures.values()), f"where {case}: figures that are no floats: {figures}")
        parameters = [each for each in scene.parameters() if each.requires_grad]
        gradients = torch.autograd.grad(value, parameters, allow_unused=True, retain_graph=True)
        hold(all(each is None or bool(each.isfinite().all()) for each in gradients), f"where {case}: gradients are no numbers")


def leaves_out_what_is_unknown(subject: Subject) -> None:
    """A clip whose label is unknown (-1) adds nothing, as if it were not there; without any known label the loss is 0."""
    scene = _scene(subject)
    labels = scene.batch.labels["speaker"].clone()
    given, _ = scene(scene.batch)
    other, _ = scene(scene.labelled(labels.roll(1)))
    applies(not torch.equal(given, other), "does not learn from labels")
    labels[::3] = -1
    batch, known = scene.labelled(labels), (labels >= 0).nonzero()[:, 0].tolist()
    some, figures = scene.loss(scene.said(), batch, scene.teacher)
    only, same = scene.loss(_rows(scene.said(), known), batch.take(known), _rows(scene.teacher, known))
    expect_close(some, only, "the loss with and without clips of unknown label")
    hold(figures.keys() == same.keys(), f"figures {sorted(figures)} instead of {sorted(same)}")
    nothing, figures = scene(scene.labelled(torch.full_like(labels, -1)))
    hold(nothing.item() == 0, f"{nothing.item():g} where no label is known")
    nothing.backward()  # type: ignore[no-untyped-call]


@torch.no_grad()
def hears_nothing_behind_a_clips_end(subject: Subject) -> None:
    """What the network says of frames behind a clip's end changes nothing."""
    scene = _scene(subject)
    said = scene.said()
    changed = {name: _behind(output, scene.batch) for name, output in said.items()}
    one, _ = scene.loss(said, scene.batch, scene.teacher)
    other, _ = scene.loss(changed, scene.batch, scene.teacher)
    expect_close(other, one, "the loss with other numbers behind the ends")


def falls_when_it_is_followed(subject: Subject) -> None:
    """A network that follows its gradients lowers it, by a tenth or more in 40 steps."""
    scene = _scene(subject)
    optimizer = torch.optim.Adam(scene.parameters(), 1e-2)
    values = []
    for _ in range(STEPS):
        value, _ = scene(scene.batch)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        values.append(value.item())
    hold(values[-1] < values[0] - 0.1 * abs(values[0]), f"from {values[0]:.4g} to {values[-1]:.4g}")


def draws_no_random_number(subject: Subject) -> None:
    """The same outputs and batch give the same loss, and torch's global generator does not move."""
    scene = _scene(subject)
    before = torch.get_rng_state()
    one, other = (scene(scene.batch)[0] for _ in range(2))
    hold(torch.equal(torch.get_rng_state(), before), "torch's global generator moved on")
    hold(torch.equal(one, other), f"{one.item():g}, then {other.item():g}")


PROMISES = (
    takes_hard_cases,
    leaves_out_what_is_unknown,
    hears_nothing_behind_a_clips_end,
    falls_when_it_is_followed,
    draws_no_random_number,
)


class _Scene(nn.Module):
    """A loss, a network as small as can be with the heads it may judge, a batch that tells all, and a teacher."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        speaker = built("head", "speaker", SPEAKER, FRAMES.dim, LABELS)
        activity = built("head", "activity", {"hidden": 8, "layers": 1, "subframes": 1}, FRAMES, ())
        heads = {"speaker": speaker, "activity": activity}
        self.heads = nn.ModuleDict({getattr(subject.config, "head", "speaker"): speaker, **heads})
        self.trunk = nn.Linear(FRAMES.dim, FRAMES.dim)
        self.loss = subject.build(dict(self.heads)).eval()
        hop = int(FRAMES.hop)
        lengths = torch.full((CLIPS,), COUNT * hop)
        lengths[1::2] //= 2
        activity_of = (positive(CLIPS, 2 * COUNT, 2) > 0.5).float()
        labels = {"speaker": torch.arange(CLIPS) % len(LABELS)}
        self.batch = Batch(noise(CLIPS, COUNT * hop), lengths, labels, tuple(map(str, range(CLIPS))), activity_of)
        self.frames = noise(CLIPS, COUNT, FRAMES.dim, seed=4)
        taught, pooled = self.frames @ noise(FRAMES.dim, FRAMES.dim, seed=5), self.frames.mean(1)
        voices = F.normalize(pooled @ noise(FRAMES.dim, TEACHER, seed=6), dim=-1)
        output = Output(10 * pooled @ noise(FRAMES.dim, len(LABELS), seed=7), voices, taught)
        self.teacher = {getattr(subject.config, "teacher", None) or "teacher": output}

    def said(self) -> dict[str, Output]:
        """What each head says."""
        frames = self.trunk(self.frames)
        lengths = torch.full((CLIPS,), COUNT)
        given = {"clip": (frames.mean(1),), "frame": (frames, lengths)}
        return {name: attrs.evolve(head(*given[head.level]), frames=frames) for name, head in self.heads.items()}

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The loss of what the heads say."""
        result: tuple[Tensor, dict[str, float]] = self.loss(self.said(), batch, self.teacher)
        return result

    def labelled(self, labels: Tensor) -> Batch:
        """The batch with other labels."""
        return attrs.evolve(self.batch, labels={"speaker": labels})


def _scene(subject: Subject) -> _Scene:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return _Scene(subject)


def _parts(output: Output) -> dict[str, Any]:
    return {name: value for name, value in attrs.asdict(output, recurse=False).items() if value is not None}


def _scaled(output: Output, factor: float) -> Output:
    """The same with larger or smaller numbers; embeddings keep their unit length, or are zero."""
    return Output(
        **{name: value * (factor if name != "embedding" else min(1.0, factor)) for name, value in _parts(output).items()}
    )


def _rows(outputs: Mapping[str, Output], rows: list[int]) -> dict[str, Output]:
    return {head: Output(**{name: value[rows] for name, value in _parts(output).items()}) for head, output in outputs.items()}


def _behind(output: Output, batch: Batch) -> Output:
    """The same with other numbers in every frame behind its clip's end."""
    past = torch.arange(COUNT) >= (batch.lengths[:, None] / FRAMES.hop).ceil()
    of_frames = {name: value for name, value in _parts(output).items() if value.ndim == 3}
    return attrs.evolve(output, **{name: torch.where(past[..., None], 7.0, value) for name, value in of_frames.items()})
