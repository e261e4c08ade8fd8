"""What every temporal block promises."""

from __future__ import annotations

import torch

from fastdiar.testing.examples import FRAMES, expect_close, noise, ready
from fastdiar.testing.subject import Subject, hold


@torch.no_grad()
def says_what_it_gives(subject: Subject) -> None:
    """`.out` is true: as many frames as came, of out.dim numbers, at the same times, zeros behind a clip's last."""
    block = ready(subject)
    given = block(noise(3, 20, FRAMES.dim), torch.tensor([20, 7, 1]))
    shape = [3, 20, block.out.dim]
    hold(list(given.shape) == shape, f"shape {list(given.shape)} instead of {shape}")
    hold((block.out.hop, block.out.first) == (FRAMES.hop, FRAMES.first), f"out is {block.out}: frames do not move in time")
    hold(not given[1, 7:].any() and not given[2, 1:].any(), "frames that are not zero behind the end of a clip")


@torch.no_grad()
def ignores_padding(subject: Subject) -> None:
    """In eval mode a clip has the same frames alone and padded in a batch, whatever the padding."""
    block = ready(subject)
    frames, lengths = noise(3, 25, FRAMES.dim), [20, 7, 1]
    together = block(frames, torch.tensor(lengths))
    for clip, length, given in zip(frames, lengths, together, strict=True):
        alone = block(clip[None, :length], torch.tensor([length]))[0]
        expect_close(given[:length], alone, f"a clip of {length} frames, padded to 25")


@torch.no_grad()
def ignores_neighbours(subject: Subject) -> None:
    """In eval mode the other clips of a batch do not change a clip's frames."""
    block = ready(subject)
    frames, lengths = noise(3, 9, FRAMES.dim), torch.tensor([9, 9, 9])
    changed = torch.cat((frames[:1], 9 * noise(2, 9, FRAMES.dim, seed=2)))
    expect_close(block(changed, lengths)[0], block(frames, lengths)[0], "frames of the clip that stayed the same")


@torch.no_grad()
def takes_a_clip_without_frames(subject: Subject) -> None:
    """A clip of length 0 gives zeros, and no error."""
    given = ready(subject)(noise(2, 5, FRAMES.dim), torch.tensor([5, 0]))
    hold(not given[1].any(), "frames for a clip that has none")


PROMISES = (says_what_it_gives, ignores_padding, ignores_neighbours, takes_a_clip_without_frames)
