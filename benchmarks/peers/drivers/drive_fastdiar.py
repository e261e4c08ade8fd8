"""fastdiar with a model that ships: FASTDIAR_MODEL, or its default one."""

from __future__ import annotations

import os
from pathlib import Path

import protocol

from fastdiar.diarization.diarizer import load


def prepare(models: Path) -> protocol.Diarize:
    """As `fastdiar diarize` does it."""
    model = os.environ.get("FASTDIAR_MODEL")
    diarizer = load(model) if model else load()

    def diarize(samples: protocol.np.ndarray) -> protocol.Turns:
        return [(turn.start, turn.end, turn.speaker) for turn in diarizer(samples, protocol.RATE).turns]

    return diarize


if __name__ == "__main__":
    protocol.main(prepare)
