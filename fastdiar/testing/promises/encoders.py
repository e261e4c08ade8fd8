"""What every encoder promises."""

from __future__ import annotations

import torch

from fastdiar.testing.examples import expect_close, noise, ready
from fastdiar.testing.subject import Subject, hold

LENGTHS = [4801, 1703, 1]


@torch.no_grad()
def says_what_it_gives(subject: Subject) -> None:
    """`.out` is true: [batch, frames, out.dim], ceil(samples / out.hop) frames for each clip, zeros behind its last."""
    encoder = ready(subject)
    frames, counts = encoder(noise(3, 4801), torch.tensor(LENGTHS))
    wanted = [-(-length // int(encoder.out.hop)) for length in LENGTHS]
    hold(counts.tolist() == wanted, f"{counts.tolist()} frames for clips of {LENGTHS} samples instead of {wanted}")
    hold(counts.dtype == torch.int64, f"lengths as {counts.dtype} instead of torch.int64")
    shape = [3, wanted[0], encoder.out.dim]
    hold(list(frames.shape) == shape, f"shape {list(frames.shape)} instead of {shape}")
    for frame, count in zip(frames, wanted, strict=True):
        hold(not frame[count:].any(), "frames that are not zero behind the end of a clip")
        hold(bool(frame[:count].any()), "nothing but zeros in a clip")


@torch.no_grad()
def ignores_padding(subject: Subject) -> None:
    """In eval mode a clip has the same frames alone and padded in a batch, whatever the padding."""
    encoder = ready(subject)
    waveform = noise(3, 6000)
    together, counts = encoder(waveform, torch.tensor(LENGTHS))
    for clip, length, frames, count in zip(waveform, LENGTHS, together, counts.tolist(), strict=True):
        alone, _ = encoder(clip[None, :length], torch.tensor([length]))
        expect_close(frames[:count], alone[0], f"frames of a clip of {length} samples, padded to 6000")


@torch.no_grad()
def ignores_neighbours(subject: Subject) -> None:
    """In eval mode the other clips of a batch do not change a clip's frames."""
    encoder = ready(subject)
    waveform, lengths = noise(3, 4801), torch.tensor([4801, 4801, 4801])
    frames, _ = encoder(waveform, lengths)
    changed, _ = encoder(torch.cat((waveform[:1], 9 * noise(2, 4801, seed=2))), lengths)
    expect_close(changed[0], frames[0], "frames of the clip that stayed the same")


def knows_where_its_frames_are(subject: Subject) -> None:
    """Frame n hears most of what lies around sample out.first + n * out.hop."""
    encoder = ready(subject)
    samples = max(8000, round(12 * encoder.out.hop))
    waveform = noise(1, samples).requires_grad_()
    frames, counts = encoder(waveform, torch.tensor([samples]))
    count, place = int(counts[0]), torch.arange(samples, dtype=torch.float64)
    direction, off = noise(encoder.out.dim, seed=2), []
    for frame in range(count // 4, count - count // 4):
        (gradient,) = torch.autograd.grad(frames[0, frame] @ direction, waveform, retain_graph=True)
        heard = gradient[0].double().square()
        off.append(((heard * place).sum() / heard.sum()).item() - (encoder.out.first + frame * encoder.out.hop))
    middle = sorted(off)[len(off) // 2]
    hold(
        abs(middle) < max(encoder.out.hop, 80),
        f"the middle of what frames hear lies {middle:+.0f} samples from where out.first and out.hop put it",
    )


PROMISES = (says_what_it_gives, ignores_padding, ignores_neighbours, knows_where_its_frames_are)
