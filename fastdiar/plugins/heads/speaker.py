"""Who speaks: a classifier over the training speakers whose last hidden layer is the voice embedding."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Literal

import attrs
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import checks
from fastdiar.core.errors import ModelError, needs
from fastdiar.core.interfaces import Head, Output


@attrs.frozen
class SpeakerConfig:
    """The original design's head: two hidden layers, a linear classifier."""

    task: str = field(default="speaker", metadata={"help": "the label that is told apart"})
    hidden: tuple[int, ...] = field(
        default=(256, 128),
        validator=checks.positive_list,
        metadata={"help": "sizes of the hidden layers; the last is the embedding's"},
    )
    dropout: float = field(
        default=0.3,
        validator=[validators.ge(0), validators.lt(1)],
        metadata={"help": "share of hidden numbers dropped in training"},
    )
    classifier: Literal["linear", "cosine", "none"] = field(
        default="linear",
        metadata={
            "help": "linear: after ReLU and dropout; cosine: angle between the embedding and each speaker, which 'aam' needs; "
            "none: the embedding alone, which a teacher teaches"
        },
    )
    scale: float = field(
        default=30.0, validator=validators.gt(0), metadata={"help": "cosines times this are logits (cosine only)"}
    )
    centres: int = field(
        default=1,
        validator=validators.ge(1),
        metadata={"help": "directions a speaker; the nearest counts, which takes mislabelled clips in its stride (cosine only)"},
    )

    centred: bool = field(
        default=False, metadata={"help": "a batch norm takes what all voices share off the embedding, as a teacher's may be"}
    )
    start: Path | None = field(
        default=None,
        metadata={"help": "a teacher as ONNX, whose last layer, of the same sizes, training starts from; random without"},
    )

    @centres.validator
    def _angles(self, attribute: attrs.Attribute[int], value: int) -> None:
        if value > 1 and self.classifier != "cosine":
            raise ValueError(f'needs classifier = "cosine": {value}')


class Speaker(Head):
    """Linear, ReLU and dropout for each hidden size, then the classifier: `[batch, dim]` → logits `[batch, speakers]`.

    The embedding is the last hidden Linear's output, before ReLU and dropout, made unit length (as in Snyder et al.,
    X-vectors, ICASSP 2018: the ReLU would fold half of the space away). `classifier = "linear"` goes on through ReLU and
    dropout; `"cosine"` compares the embedding itself with one direction a speaker, so that training shapes what is used, or
    with the nearest of several `centres` (Deng et al., Sub-center ArcFace, ECCV 2020); `"none"` ends with the embedding.
    """

    config_class = SpeakerConfig
    level = "clip"

    def __init__(self, config: SpeakerConfig, size: int, labels: tuple[str, ...]) -> None:
        super().__init__()
        self.task, self.start = config.task, config.start
        self.embedding = config.hidden[-1]
        self.cosine_scale = config.scale if config.classifier == "cosine" else None
        self.hidden = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise((size, *config.hidden)))
        self.centre = nn.BatchNorm1d(self.embedding, affine=False) if config.centred else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.centres = config.centres
        self.classifies = config.classifier != "none"
        classes = len(labels) * config.centres
        self.classifier = nn.Linear(self.embedding, classes, bias=self.cosine_scale is None) if self.classifies else None

    @torch.no_grad()
    def begin(self) -> None:
        """Take over the last layer of the network that `start` names, and the norm behind it; raises `ModelError`."""
        if self.start is None:
            return
        with needs("train", "a start from an ONNX file"):
            from fastdiar.core.onnx_files import last_linear
        layer, last = last_linear(self.start), self.hidden[-1]
        if layer.weight.shape != last.weight.shape:
            raise ModelError(
                f"{self.start}: its last layer makes {layer.sizes}: expected {last.in_features} → {last.out_features}"
            )
        last.weight.copy_(torch.from_numpy(layer.weight))
        last.bias.copy_(torch.from_numpy(layer.bias))
        if isinstance(self.centre, nn.BatchNorm1d):
            self.centre.running_mean.copy_(torch.from_numpy(layer.mean))
            self.centre.running_var.copy_(torch.from_numpy(layer.variance))

    def forward(self, x: Tensor) -> Output:
        """`[batch, dim]` → logits `[batch, speakers]`, embedding `[batch, hidden[-1]]` of unit length."""
        for layer in self.hidden[:-1]:
            x = self.dropout(F.relu(layer(x)))
        voice = self.centre(self.hidden[-1](x).float())
        embedding = F.normalize(voice, dim=-1)
        if self.classifier is None:
            return Output(None, embedding)
        if self.cosine_scale is None:
            return Output(self.classifier(self.dropout(F.relu(voice))), embedding)
        cosines = F.linear(embedding, F.normalize(self.classifier.weight, dim=-1))
        return Output(cosines.unflatten(-1, (-1, self.centres)).amax(-1) * self.cosine_scale, embedding)
