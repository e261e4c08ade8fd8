"""The encoder `acme/conformer`."""

from __future__ import annotations

from typing import Any

import attrs
import torch
import torchaudio
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import checks
from fastdiar.core.interfaces import Encoder
from fastdiar.core.layers import ConvBlock, frame_mask, keep_valid
from fastdiar.core.spectrum import LogMel
from fastdiar.core.types import Frames

SPECTRUM_HOP = 160
"""Samples from one spectrum to the next: 10 ms."""


@attrs.frozen
class ConformerConfig:
    """How wide and deep; frames come every 40 ms."""

    mels: int = field(default=80, validator=validators.ge(1), metadata={"help": "bands of the spectrogram"})
    dim: int = field(default=144, validator=validators.ge(1), metadata={"help": "numbers in a frame"})
    layers: int = field(default=4, validator=validators.ge(1), metadata={"help": "Conformer blocks"})
    heads: int = field(default=4, validator=validators.ge(1), metadata={"help": "attention heads; must divide dim"})
    feedforward: int = field(default=288, validator=validators.ge(1), metadata={"help": "numbers inside a feed-forward layer"})
    kernel: int = field(default=15, validator=checks.odd, metadata={"help": "frames that a convolution sees"})
    dropout: float = field(default=0.1, validator=checks.share, metadata={"help": "share of numbers dropped in training"})

    @heads.validator
    def _divide(self, attribute: attrs.Attribute[int], value: int) -> None:
        if self.dim % value:
            raise ValueError(f"must divide dim ({self.dim}): {value}")


class Conformer(Encoder):
    """Two strided convolutions over a log-mel spectrogram, then torchaudio's Conformer (Gulati et al., Interspeech 2020).

    `[batch, samples]` → `[batch, frames, dim]`.
    """

    config_class = ConformerConfig

    def __init__(self, config: ConformerConfig) -> None:
        super().__init__()
        self.mel = LogMel(config.mels, window=400, hop=SPECTRUM_HOP)
        self.shorten = nn.ModuleList(ConvBlock(channels, config.dim, 3, stride=2) for channels in (config.mels, config.dim))
        self.conformer = torchaudio.models.Conformer(
            config.dim, config.heads, config.feedforward, config.layers, config.kernel, config.dropout
        )
        self._lengths: Tensor | None = None
        for module in self.conformer.modules():
            if isinstance(module, nn.Conv1d) and module.groups > 1:
                module.register_forward_pre_hook(self._without_padding)
        self.out = Frames(config.dim, 4.0 * SPECTRUM_HOP, (SPECTRUM_HOP - 1) / 2)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` in samples → `[batch, frames, dim]`, `[batch]` in frames."""
        x, lengths = self.mel(waveform, lengths)
        for block in self.shorten:
            x, lengths = block(x, lengths)
        # An exported graph hears clips without padding.
        exporting = torch.compiler.is_exporting()
        past = None if exporting else ~frame_mask(lengths, x.shape[-1])
        self._lengths = None if exporting else lengths
        # Not Conformer.forward, which asks how long the longest clip is: no graph can be traced through that.
        x = x.permute(2, 0, 1)
        for layer in self.conformer.conformer_layers:
            x = layer(x, past)
        self._lengths = None
        return keep_valid(x.permute(1, 2, 0), lengths).transpose(1, 2), lengths

    def _without_padding(self, module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """What a convolution over time hears: torchaudio's would hear the padding behind a clip."""
        return inputs if self._lengths is None else (keep_valid(inputs[0], self._lengths),)
