"""What every teacher promises."""

from __future__ import annotations

import torch

from fastdiar.core.interfaces import Output
from fastdiar.testing.examples import expect_close, noise
from fastdiar.testing.subject import Subject, hold

SAMPLES = 16_000


@torch.no_grad()
def says_something(subject: Subject) -> None:
    """Logits, an embedding or frames, finite, a row for each clip."""
    output = subject.build().eval()(noise(2, SAMPLES), torch.tensor([SAMPLES, SAMPLES]))
    hold(isinstance(output, Output), f"gave {type(output).__name__}: expected an Output")
    said = {name: getattr(output, name) for name in ("logits", "embedding", "frames") if getattr(output, name) is not None}
    hold(bool(said), "says nothing")
    for name, value in said.items():
        hold(len(value) == 2 and bool(value.isfinite().all()), f"{name} {list(value.shape)} of two clips, or no numbers")


@torch.no_grad()
def repeats_itself(subject: Subject) -> None:
    """The same clip gives the same answer, alone and beside another, and no random number is drawn."""
    teacher, clips, lengths = subject.build().eval(), noise(2, SAMPLES), torch.tensor([SAMPLES, SAMPLES])
    before = torch.get_rng_state()
    together, alone = teacher(clips, lengths), teacher(clips[:1], lengths[:1])
    hold(torch.equal(torch.get_rng_state(), before), "torch's global generator moved on")
    for name in ("logits", "embedding", "frames"):
        if getattr(alone, name) is not None:
            expect_close(getattr(together, name)[:1], getattr(alone, name), name, limit=1e-4)


PROMISES = (says_something, repeats_itself)
