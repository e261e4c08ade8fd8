"""Who is active now: which of a chunk's local voices speak in each frame."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import attrs
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import checks
from fastdiar.core.bundle import MOST_SPEAKERS, Activity
from fastdiar.core.errors import ModelError, needs
from fastdiar.core.interfaces import Head, Output
from fastdiar.core.powerset import powerset
from fastdiar.core.recurrent import BothWays, Cell
from fastdiar.core.types import Frames


@attrs.frozen
class ActivityConfig:
    """Three local voices, two of them at once, as in segmentation-3.0."""

    task: str = field(default="activity", metadata={"help": "what is learnt: the turns that the data tells of"})
    speakers: int = field(
        default=3, validator=[validators.ge(1), validators.le(MOST_SPEAKERS)], metadata={"help": "most local voices of a chunk"}
    )
    at_once: int = field(default=2, validator=validators.ge(1), metadata={"help": "most of them that speak at the same time"})
    hidden: int = field(default=128, validator=validators.ge(1), metadata={"help": "numbers a frame and direction in its layers"})
    layers: int = field(default=2, validator=validators.ge(1), metadata={"help": "recurrent layers, each in both directions"})
    cell: Cell = field(default="gru", metadata={"help": "of the recurrent layers: gru or lstm"})
    dense: tuple[int, ...] = field(default=(), validator=checks.positive, metadata={"help": "sizes of the layers behind them"})
    subframes: int = field(
        default=2, validator=[validators.ge(1), validators.le(8)], metadata={"help": "decisions for each frame of the network"}
    )
    start: Path | None = field(
        default=None,
        metadata={"help": "segmentation-3.0 as ONNX, whose layers of the same sizes training starts from; random without"},
    )


class ActivityHead(Head):
    """Recurrent layers in both directions, dense ones, then the powerset's classes: `[batch, frames, dim]` → `[…, classes]`.

    Plaquet and Bredin, Powerset multi-class cross entropy loss, Interspeech 2023.
    """

    config_class = ActivityConfig
    level = "frame"

    def __init__(self, config: ActivityConfig, frames: Frames, labels: tuple[str, ...]) -> None:
        super().__init__()
        self.task, self.start = config.task, config.start
        self.subframes = config.subframes
        hop = frames.hop / config.subframes
        self.activity = Activity(hop, frames.first + (hop - frames.hop) / 2, config.speakers, config.at_once)
        sizes = (frames.dim, *[2 * config.hidden] * config.layers)
        self.layers = nn.ModuleList(BothWays(size, out // 2, config.cell) for size, out in pairwise(sizes))
        sizes = (sizes[-1], *config.dense)
        self.dense = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.classify = nn.Linear(sizes[-1], config.subframes * len(powerset(config.speakers, config.at_once)))

    def forward(self, x: Tensor, lengths: Tensor) -> Output:
        """`[batch, frames, dim]`, `[batch]` → logits `[batch, frames * subframes, classes]`."""
        for layer in self.layers:
            x = layer(x, lengths)
        for dense in self.dense:
            x = F.leaky_relu(dense(x))
        logits = self.classify(x)
        return Output(logits.unflatten(-1, (self.subframes, -1)).flatten(1, 2))

    @torch.no_grad()
    def begin(self) -> None:
        """Take over the layers of the network that `start` names; raises `ModelError` where they are others."""
        if self.start is None:
            return
        with needs("train", "a start from an ONNX file"):
            from fastdiar.core.onnx_files import layers
        last = (*self.dense, self.classify)
        recurrent, linear = layers(self.start, "LSTM"), layers(self.start, "MatMul")[-len(last) :]
        try:
            for mine, theirs in zip(self.layers, recurrent, strict=True):
                mine.take_over(*map(torch.from_numpy, theirs))
            for own, (weight, bias) in zip(last, linear, strict=True):
                own.weight.copy_(torch.from_numpy(weight.T))
                own.bias.copy_(torch.from_numpy(bias))
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self.start}: its layers are not those of this head: {error}") from None
