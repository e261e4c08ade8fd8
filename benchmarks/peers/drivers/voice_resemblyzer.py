"""resemblyzer with the weights of its wheel, as its README calls it: volume and silences first, then windows of 1.6 s."""

from __future__ import annotations

from pathlib import Path

import torch
import voice
from resemblyzer import VoiceEncoder, preprocess_wav


def prepare(models: Path) -> voice.Hear:
    """Its network on a CPU."""
    torch.set_num_threads(1)
    encoder = VoiceEncoder("cpu", verbose=False)

    def hear(samples: voice.np.ndarray) -> voice.np.ndarray:
        kept = preprocess_wav(samples)
        return encoder.embed_utterance(kept if len(kept) else samples)  # it may take all of a clip for silence

    return hear


if __name__ == "__main__":
    voice.main(prepare)
