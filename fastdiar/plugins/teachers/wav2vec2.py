"""wav2vec 2.0 as a teacher: the network is torchaudio's, the weights are the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs
import torch
import torchaudio
from attrs import field
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fastdiar.core.errors import TrainingError
from fastdiar.core.interfaces import Output, Teacher, TeacherConfig
from fastdiar.core.layers import frame_mask


@attrs.frozen(kw_only=True)
class Wav2Vec2Config(TeacherConfig):
    """Which of the published networks."""

    weights: Path = field(metadata={"help": "its tensors as safetensors, under torchaudio's names"})
    size: Literal["base", "large"] = field(default="base", metadata={"help": "768 or 1024 numbers a frame"})


class Wav2Vec2(Teacher):
    """Frames are the last layer's; the embedding is their mean (Baevski et al., wav2vec 2.0, NeurIPS 2020).

    Raises `TrainingError` where the file does not hold this network.
    """

    config_class = Wav2Vec2Config

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__()
        build = {"base": torchaudio.models.wav2vec2_base, "large": torchaudio.models.wav2vec2_large}[config.size]
        self.network = build().eval()
        try:
            self.network.load_state_dict(load_file(config.weights))
        except (OSError, SafetensorError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise TrainingError(f"{config.weights}: is not wav2vec 2.0 {config.size}: {reason}") from None

    @torch.no_grad()
    def forward(self, waveform: Tensor, lengths: Tensor) -> Output:
        """`[batch, samples]`, `[batch]` → embedding and frames."""
        frames, counts = self.network(waveform, lengths)
        mask = frame_mask(counts, frames.shape[1])[..., None]
        return Output(None, (frames * mask).sum(1) / counts[:, None].clamp(min=1), frames)
