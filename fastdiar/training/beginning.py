"""What a network is before its first step: with weights that another run lends, and what its parts take over by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fastdiar.network import Network
from fastdiar.training.checkpoint import weights_to_lend
from fastdiar.training.data import Loaded

CLIPS = 128
"""That an encoder may look at before the first step."""


def begin_network(network: Network, start: Path | None, batches: Iterable[Loaded], device: Any) -> None:
    """Let the parts of a network begin, but for those that the run `start` lends whole; the encoder hears the first clips.

    Raises `TrainingError` where the run lends nothing, and what the parts raise.
    """
    lent = {} if start is None else weights_to_lend(network, start)
    if not _has_all(lent, "encoder.", network):
        clips = _first_clips(batches)
        if clips:
            waveform = nn.utils.rnn.pad_sequence(clips, batch_first=True).to(device)
            network.encoder.begin(waveform, torch.tensor([len(clip) for clip in clips], device=device))
    for name, head in network.heads.items():
        if not _has_all(lent, f"heads.{name}.", network):
            head.begin()
    network.load_state_dict(lent, strict=False)


def _has_all(tensors: Mapping[str, Tensor], part: str, network: Network) -> bool:
    """Whether every tensor of a part of the network is there: then nothing else needs to begin it."""
    return all(name in tensors for name in network.state_dict() if name.startswith(part))


def _first_clips(batches: Iterable[Loaded]) -> list[Tensor]:
    """At most `CLIPS` of them, each `[samples]`."""
    clips: list[Tensor] = []
    for loaded in batches:
        if loaded.batch is not None:
            clips += [clip[:length] for clip, length in zip(loaded.batch.waveform, loaded.batch.lengths.tolist(), strict=True)]
        if len(clips) >= CLIPS:
            break
    return clips[:CLIPS]
