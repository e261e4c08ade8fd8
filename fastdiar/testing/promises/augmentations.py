"""What every augmentation promises."""

from __future__ import annotations

from typing import Any

import attrs
import torch

from fastdiar.core.interfaces import Augmentation
from fastdiar.core.types import Batch
from fastdiar.testing.examples import clips, expect_close, noise
from fastdiar.testing.subject import Subject, applies, hold


def draws_from_its_generator_alone(subject: Subject) -> None:
    """All randomness comes from the generator: the same seed gives the same sound, another seed another one."""
    augment = _certain(subject)
    before = torch.get_rng_state()
    one, same, other = (augment(clips(), _seeded(seed)).waveform for seed in (1, 1, 2))
    hold(torch.equal(torch.get_rng_state(), before), "torch's global generator moved on")
    hold(torch.equal(one, same), "one seed, two sounds")
    hold(not torch.equal(one, other), "two seeds, one sound: is anything drawn?")


def replays_what_was_drawn(subject: Subject) -> None:
    """`draw` gives every random value as tensors, and `apply` with them gives the same sound each time."""
    augment = _certain(subject)
    drawn = augment.draw(clips(), _seeded(3))
    odd = [name for name, value in drawn.items() if not isinstance(value, torch.Tensor)]
    hold(not odd, f"drawn, and no tensors: {', '.join(odd)}")
    first = augment.apply(clips(), drawn).waveform
    hold(torch.equal(first, augment.apply(clips(), drawn).waveform), "the same values, two sounds: something is drawn in apply")
    hold(torch.equal(first, augment(clips(), _seeded(3)).waveform), "calling it is not to draw, then to apply")


def changes_sound_and_nothing_else(subject: Subject) -> None:
    """The batch that came stays as it is; shape, labels and keys are kept, samples are finite, padding stays zero."""
    augment = _certain(subject)
    batch, untouched = clips(), clips()
    changed = augment(batch, _seeded(4))
    hold(torch.equal(batch.waveform, untouched.waveform), "the batch that came was changed in place")
    hold(torch.equal(batch.lengths, untouched.lengths), "the lengths that came were changed in place")
    shape = list(changed.waveform.shape)
    hold(shape == list(batch.waveform.shape), f"shape {shape} instead of {list(batch.waveform.shape)}")
    hold(changed.waveform.dtype == torch.float32, f"samples as {changed.waveform.dtype}")
    hold(bool(changed.waveform.isfinite().all()), "samples that are no numbers")
    hold(changed.lengths.dtype == torch.int64 and int(changed.lengths.max()) <= shape[1], f"lengths {changed.lengths.tolist()}")
    silent = all(not clip[length:].any() for clip, length in zip(changed.waveform, changed.lengths, strict=True))
    hold(silent, "sound behind the end of a clip")
    hold(torch.equal(changed.labels["speaker"], batch.labels["speaker"]) and changed.keys == batch.keys, "labels or keys differ")


def ignores_padding(subject: Subject) -> None:
    """The same values give a clip the same sound, however far the batch is padded."""
    augment = _certain(subject)
    drawn = augment.draw(clips(), _seeded(6))
    whole = any(value.ndim > 1 and value.shape[-1] == clips().waveform.shape[-1] for value in drawn.values())
    applies(not whole, "draws as many samples as the batch has")
    batch = clips()
    longer = attrs.evolve(batch, waveform=torch.nn.functional.pad(batch.waveform, (0, 2000)))
    changed, same = augment.apply(batch, drawn), augment.apply(longer, drawn)
    for one, other, length in zip(changed.waveform, same.waveform, changed.lengths, strict=True):
        expect_close(other[:length], one[:length], "a clip in a batch that is padded further")


def takes_half_precision(subject: Subject) -> None:
    """A waveform of bfloat16 comes back as bfloat16, within 2 % of what float32 gives."""
    augment = _certain(subject)
    batch = clips()
    drawn = augment.draw(batch, _seeded(7))
    half = augment.apply(attrs.evolve(batch, waveform=batch.waveform.bfloat16()), drawn).waveform
    hold(half.dtype == torch.bfloat16, f"came back as {half.dtype}")
    exact = augment.apply(attrs.evolve(batch, waveform=batch.waveform.bfloat16().float()), drawn).waveform
    off = ((half.float() - exact).norm() / exact.norm()).item()
    hold(off < 0.02, f"off by {off:.1%}")


def leaves_other_clips_alone(subject: Subject) -> None:
    """With probability 0 nothing changes to the bit; with 0.5, about half of the clips."""
    applies(hasattr(subject.config, "probability"), "has no key 'probability'")
    batch = Batch(noise(24, 2000), torch.full((24,), 2000), {"speaker": torch.arange(24)}, tuple(map(str, range(24))))
    never, sometimes = (subject.build(probability=share)(batch, _seeded(8)).waveform for share in (0.0, 0.5))
    hold(torch.equal(never, batch.waveform), "probability = 0 changes clips")
    same = sum(torch.equal(one, other) for one, other in zip(sometimes, batch.waveform, strict=True))
    hold(4 < same < 20, f"probability = 0.5 leaves {same} of 24 clips alone")


PROMISES = (
    draws_from_its_generator_alone,
    replays_what_was_drawn,
    changes_sound_and_nothing_else,
    ignores_padding,
    takes_half_precision,
    leaves_other_clips_alone,
)


def _certain(subject: Subject) -> Augmentation:
    """The augmentation, changing every clip."""
    always: dict[str, Any] = {"probability": 1.0} if hasattr(subject.config, "probability") else {}
    augment: Augmentation = subject.build(**always)
    return augment


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
