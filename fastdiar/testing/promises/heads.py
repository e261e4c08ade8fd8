"""What every head promises."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fastdiar.core.interfaces import Output
from fastdiar.core.powerset import powerset
from fastdiar.testing.examples import FRAMES, LABELS, expect_close, noise, ready
from fastdiar.testing.subject import Subject, applies, hold


@torch.no_grad()
def says_what_it_gives(subject: Subject) -> None:
    """Logits of every class where it classifies, and an embedding of unit length and size `.embedding` where it has one."""
    head = ready(subject)
    hold(head.level in ("clip", "frame"), f'level is {head.level!r}: expected "clip" or "frame"')
    hold(isinstance(head.task, str), f"task is {head.task!r}: expected a label's name, such as speaker")
    output = _said(head, noise(4, 9, FRAMES.dim), [9, 9, 9, 9])
    hold(isinstance(output, Output), f"gave {type(output).__name__}: expected an Output")
    hold((output.logits is not None) == head.classifies, f"classifies is {head.classifies}, logits {output.logits is not None}")
    if output.logits is not None:
        classes = len(LABELS) if head.activity is None else len(powerset(head.activity.speakers, head.activity.at_once))
        steps = () if head.level == "clip" else (round(9 * FRAMES.hop / (head.activity or FRAMES).hop),)
        shape = [4, *steps, classes]
        hold(list(output.logits.shape) == shape, f"logits of shape {list(output.logits.shape)} instead of {shape}")
    hold((output.embedding is not None) == bool(head.embedding), f"embedding is {head.embedding}, which is not what it gives")
    if output.embedding is not None:
        hold(list(output.embedding.shape) == [4, head.embedding], f"embedding of shape {list(output.embedding.shape)}")
        expect_close(output.embedding.norm(dim=-1), torch.ones(4), "length of the embeddings")


@torch.no_grad()
def ignores_neighbours(subject: Subject) -> None:
    """In eval mode the other clips of a batch change nothing."""
    head = ready(subject)
    frames = noise(3, 9, FRAMES.dim)
    changed = torch.cat((frames[:1], 9 * noise(2, 9, FRAMES.dim, seed=2)))
    for one, other in zip(_parts(head, frames, [9, 9, 9]), _parts(head, changed, [9, 9, 9]), strict=True):
        expect_close(other[0], one[0], "what is said of the clip that stayed the same")


@torch.no_grad()
def ignores_padding(subject: Subject) -> None:
    """In eval mode, of frames it says the same alone and padded in a batch, whatever the padding."""
    head = ready(subject)
    applies(head.level == "frame", "judges whole clips")
    frames, lengths = noise(2, 12, FRAMES.dim), [9, 4]
    together = _parts(head, frames, lengths)
    for place, length in enumerate(lengths):
        alone = _parts(head, frames[place : place + 1, :length], [length])
        for one, other in zip(alone, together, strict=True):
            expect_close(other[place, : one.shape[1]], one[0], f"a clip of {length} frames, padded to 12")


PROMISES = (says_what_it_gives, ignores_neighbours, ignores_padding)


def _said(head: Any, frames: Tensor, lengths: list[int]) -> Output:
    """What a head says of `frames [batch, frames, dim]`, or of their means."""
    output: Output = head(frames, torch.tensor(lengths)) if head.level == "frame" else head(frames.mean(1))
    return output


def _parts(head: Any, frames: Tensor, lengths: list[int]) -> list[Tensor]:
    output = _said(head, frames, lengths)
    return [each for each in (output.logits, output.embedding) if each is not None]
