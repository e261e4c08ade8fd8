"""Where the frames of fastdiar's own encoders lie, to the sample."""

from __future__ import annotations

import pytest
import torch

from fastdiar import registry
from fastdiar.core.interfaces import Encoder
from fastdiar.testing.examples import noise, ready
from fastdiar.testing.subject import subject_of

SMALL = {"campplus": {"residual": [1, 1], "stride": 2, "layers": [2, 1]}}


@pytest.mark.parametrize("name", registry.names("encoder"))
@pytest.mark.parametrize("count", [3, 6])
@torch.no_grad()
def test_an_encoder_knows_where_its_frames_are(name: str, count: int) -> None:
    """A clip that frames lie symmetrically on, heard backwards by the mirrored network, gives the frames backwards."""
    encoder: Encoder = ready(subject_of("encoder", name, SMALL.get(name)))
    ends = 2 * encoder.out.first + 1
    assert ends == int(ends)
    samples = int(ends) + (count - 1) * int(encoder.out.hop)
    waveform, lengths = noise(1, samples), torch.tensor([samples])
    frames, counts = encoder(waveform, lengths)
    assert counts.tolist() == [count]
    mirrored, _ = mirror(encoder)(waveform.flip(1), lengths)
    # Kaldi's pre-emphasis looks one way only; a frame in the wrong place would differ by its own size.
    torch.testing.assert_close(mirrored.flip(1), frames, rtol=0, atol=1e-3 * frames.abs().max().item())


def mirror(encoder: Encoder) -> Encoder:
    """The encoder with every kernel turned round in time."""
    for parameter in encoder.parameters():
        if parameter.ndim >= 3:
            parameter.copy_(parameter.flip(-1))
    return encoder
