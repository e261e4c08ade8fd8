"""Changing some clips of a batch, as several augmentations do: on the batch's device, with padding left at zero.

Sound in half precision is taken and given back, and computed in single: Fourier transforms know no half.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import torch
from torch import Tensor

from fastdiar.core.layers import frame_mask
from fastdiar.core.types import Batch

SILENCE = 1e-6
"""The norm of a clip's samples below which noise is silence and adds nothing."""


def mixed(batch: Batch, noise: Tensor, snr: Tensor) -> Batch:
    """`noise [batch, samples]` under each clip at `snr [batch]` (dB): mean power over mean power, over the clip's own samples.

    Padding stays zero, silent noise adds nothing, an infinite ratio leaves a clip alone.
    """
    noise = noise.float() * frame_mask(batch.lengths, noise.shape[1])
    voice_norm = torch.linalg.vector_norm(batch.waveform.float(), dim=1)
    noise_norm = torch.linalg.vector_norm(noise, dim=1).clamp(min=SILENCE)
    scale = voice_norm / noise_norm * 10 ** (-snr / 20)
    sound = batch.waveform.float().addcmul(noise, scale[:, None])
    return attrs.evolve(batch, waveform=sound.to(batch.waveform.dtype))


def resounded(batch: Batch, clips: Tensor, change: Callable[[Tensor], Tensor]) -> Batch:
    """The batch with some clips changed: `change` takes their sound, float32 `[clips, samples]`, and gives as much.

    `clips` are their numbers. What the change leaves past a clip's end is silenced.
    """
    if not len(clips):
        return batch
    sound = change(batch.waveform[clips].float())
    sound = sound * frame_mask(batch.lengths[clips], sound.shape[1])
    return attrs.evolve(batch, waveform=batch.waveform.index_copy(0, clips, sound.to(batch.waveform.dtype)))
