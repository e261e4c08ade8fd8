"""Can a live look take over what the look before it heard? `python benchmarks/reuse.py RECORDING [--model NAME]`.

Looks of a live stream, one `--hop` after the other. For the moments that two of them share: how far segmentation's probabilities
lie apart, and how far the encoder's frames do (length of the difference over that of the frame). A network whose frames depend on
what is near them alone would show nought away from the edges; then only the newest hop would have to be heard.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from fastdiar.core import audio
from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.types import RATE
from fastdiar.diarization.diarizer import load
from fastdiar.diarization.hear import SHORTEST_CONTEXT
from fastdiar.live.diarizer import LiveSettings

EDGE = 0.5
"""Seconds at either end of what both looks heard that are left out."""


def main() -> None:
    """Hear pairs of looks, and print how far they lie apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--pairs", type=int, default=20)
    asked = parser.parse_args()
    samples, model = audio.read(asked.recording), load(asked.model).model
    context = round(LiveSettings().context * RATE)
    for name, network, length, grid in (
        ("segmentation", lambda look: model.activity(look[None])[0], context, model.bundle.activity),
        ("encoder", model.encode, SHORTEST_CONTEXT, model.bundle.frames),
    ):
        frames = round(LiveSettings().hop * RATE / grid.hop)  # a whole number, so that both looks have the same moments
        hop, edge = round(frames * grid.hop), round(EDGE * RATE / grid.hop)
        apart, taken = [], 0.0
        for first in np.linspace(0, len(samples) - length - hop, asked.pairs).astype(int):
            begun = time.process_time()
            before, after = (network(samples[start : start + length]) for start in (first, first + hop))
            taken += time.process_time() - begun
            shared = slice(edge, len(before) - frames - edge)
            apart.append(distance(before[frames:][shared], after[: len(before) - frames][shared], name == "segmentation"))
        p50, p99 = np.percentile(np.concatenate(apart), (50, 99))
        print(f"{name}: {1000 * taken / 2 / asked.pairs:.1f} ms of processor a look; apart P50 {p50:.3f}, P99 {p99:.3f}")


def distance(before: np.ndarray, after: np.ndarray, probabilities: bool) -> np.ndarray:
    """Of each frame `[frames, …]`: the largest difference of a probability, or the relative length of the difference."""
    if probabilities:
        largest: np.ndarray = np.abs(before - after).max(axis=1)
        return largest
    relative: np.ndarray = np.linalg.norm(before - after, axis=1) / np.linalg.norm(after, axis=1)
    return relative


if __name__ == "__main__":
    main()
