"""What every exporter promises."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from fastdiar.core.parity import Parity
from fastdiar.network import Network
from fastdiar.testing.examples import LABELS, SPEAKER, TINY_ENCODER, built, expect_close, noise
from fastdiar.testing.subject import Subject, hold

FURTHEST = 0.5
"""From torch, as a share of the largest number: what 8 bits may differ by."""


def writes_files_and_says_how_far_they_are(subject: Subject) -> None:
    """Files appear in the folder, of each graph its Parity with torch is told and close, and the network stays as it was."""
    network, waveform, lengths = _network(), noise(2, 4000), torch.tensor([4000, 4000])
    with torch.no_grad():
        before = network.eval()(waveform, lengths)["speaker"].embedding
    speech = list(noise(2, 16_000).numpy())
    with tempfile.TemporaryDirectory() as folder:
        parity = subject.build().export(network, Path(folder), {"made.with": "fastdiar.testing"}, lambda: speech)
        written = {path.name for path in Path(folder).iterdir()}
    hold(bool(written), "wrote nothing")
    hold(bool(parity) and all(isinstance(each, Parity) for each in parity.values()), f"gave {parity!r}: expected Parity by file")
    hold(parity.keys() <= written, f"tells of {', '.join(sorted(parity.keys() - written))}, which it did not write")
    far = {name: each.outputs for name, each in parity.items() if not each.outputs <= FURTHEST}
    hold(not far, f"too far from torch: {far}")
    with torch.no_grad():
        expect_close(network.eval()(waveform, lengths)["speaker"].embedding, before, "what the network says after the export")


PROMISES = (writes_files_and_says_how_far_they_are,)


def _network() -> Network:
    encoder = built("encoder", "cnn", TINY_ENCODER)
    pooling = built("pooling", "statistics", {}, encoder.out)
    head = built("head", "speaker", SPEAKER | {"classifier": "none"}, pooling.out, LABELS)
    return Network(encoder, {}, pooling, {"speaker": head}, {"speaker": LABELS})
