"""What every pooling promises."""

from __future__ import annotations

import torch

from fastdiar.testing.examples import FRAMES, expect_close, noise, positive, ready
from fastdiar.testing.subject import Subject, hold


@torch.no_grad()
def says_what_it_gives(subject: Subject) -> None:
    """`.out` is true: [batch, speakers, out], and speakers with different weights get different vectors."""
    pooling = ready(subject)
    pooled = pooling(noise(2, 12, FRAMES.dim), positive(2, 3, 12))
    hold(list(pooled.shape) == [2, 3, pooling.out], f"shape {list(pooled.shape)} instead of {[2, 3, pooling.out]}")
    hold(not torch.allclose(pooled[:, 0], pooled[:, 1], atol=1e-3), "two speakers with other weights have one vector")


@torch.no_grad()
def hears_only_frames_with_weight(subject: Subject) -> None:
    """Frames of weight 0, such as padding, change nothing, whatever is in them."""
    pooling = ready(subject)
    frames, weights = noise(2, 12, FRAMES.dim), positive(2, 3, 12)
    weights[..., 8:] = 0
    pooled = pooling(frames, weights)
    expect_close(pooling(frames[:, :8], weights[..., :8]), pooled, "without the frames of weight 0")
    louder = torch.cat((frames[:, :8], frames[:, 8:] + 50), 1)
    expect_close(pooling(louder, weights), pooled, "with other numbers in the frames of weight 0")


@torch.no_grad()
def treats_speakers_apart(subject: Subject) -> None:
    """A speaker's vector does not depend on the other speakers, nor on the other clips of the batch."""
    pooling = ready(subject)
    frames, weights = noise(2, 12, FRAMES.dim), positive(2, 3, 12)
    pooled = pooling(frames, weights)
    expect_close(pooling(frames, weights[:, 1:2]), pooled[:, 1:2], "one speaker alone")
    expect_close(pooling(frames[1:], weights[1:]), pooled[1:], "one clip alone")


@torch.no_grad()
def takes_weights_as_shares(subject: Subject) -> None:
    """A hundredth of all weights gives the same vectors."""
    pooling = ready(subject)
    frames, weights = noise(2, 12, FRAMES.dim), positive(2, 3, 12)
    expect_close(pooling(frames, weights * 0.01), pooling(frames, weights), "with a hundredth of the weights")


def bears_no_weight_at_all(subject: Subject) -> None:
    """A speaker without any weight gets finite numbers, and so do the gradients."""
    frames = noise(1, 6, FRAMES.dim).requires_grad_()
    pooled = ready(subject)(frames, torch.zeros(1, 2, 6))
    pooled.sum().backward()
    hold(bool(pooled.isfinite().all()), "vectors that are no numbers")
    hold(frames.grad is None or bool(frames.grad.isfinite().all()), "gradients that are no numbers")


PROMISES = (
    says_what_it_gives,
    hears_only_frames_with_weight,
    treats_speakers_apart,
    takes_weights_as_shares,
    bears_no_weight_at_all,
)
