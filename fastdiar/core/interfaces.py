"""The interfaces of everything that trains. Importing this imports torch: nothing that only diarizes may.

Shapes: `waveform [batch, samples]` float32 in -1…1 at 16 kHz with `lengths [batch]` in samples; `frames [batch, frames,
dim]` float32 with `lengths [batch]` in frames. In eval mode padding never changes a result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from fastdiar.core.bundle import Activity
from fastdiar.core.parity import Parity
from fastdiar.core.types import Batch, Frames


@attrs.frozen(eq=False)
class Output:
    """What a head says: `logits [batch, classes]` (clip) or `[batch, frames, classes]`; `embedding [batch, dim]`, unit length.

    `frames [batch, frames, dim]` is what the head judged. Where there are no classes to tell apart, there are no logits.
    """

    logits: Tensor | None
    embedding: Tensor | None = None
    frames: Tensor | None = None


class Encoder(nn.Module, ABC):
    """Waveform to frames."""

    config_class: ClassVar[type]
    out: Frames

    @abstractmethod
    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` → `[batch, frames, dim]`, `[batch]`; frames past a clip's length are zero."""

    def begin(self, waveform: Tensor, lengths: Tensor) -> None:
        """Called once before training with some of its clips: the place to take over weights from elsewhere."""


class TemporalBlock(nn.Module, ABC):
    """Frames to frames, each with knowledge of the others. Built with `(config, Frames)`."""

    config_class: ClassVar[type]
    out: Frames

    @abstractmethod
    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `[batch]` → `[batch, frames, out.dim]`; frames past a clip's length are zero."""


class Pooling(nn.Module, ABC):
    """Frames to one vector a speaker. Built with `(config, Frames)`; `out` is the vector's size."""

    config_class: ClassVar[type]
    out: int

    @abstractmethod
    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `weights [batch, speakers, frames]` ≥ 0 → `[batch, speakers, out]`."""


class Head(nn.Module, ABC):
    """The last layers, for one task. Built with `(config, Frames | int, labels)`; owns every exported parameter.

    `level` "clip" takes pooled vectors `[batch, dim]`, "frame" takes `[batch, frames, dim]` and `lengths [batch]`; `labels` are
    the task's classes; `embedding` is the size of the embedding it gives, 0 for none; `activity` says which local voices its
    frames tell apart, where they do; `classifies` is False for a head without logits.
    """

    config_class: ClassVar[type]
    task: str
    level: Literal["clip", "frame"]
    embedding: int = 0
    activity: Activity | None = None
    classifies: bool = True

    @abstractmethod
    def forward(self, x: Tensor, *lengths: Tensor) -> Output:
        """Logits of the task's classes, and an embedding where the head has one; `lengths` come with frames."""

    def begin(self) -> None:
        """Called once before training: the place to take over weights from elsewhere."""


class Loss(nn.Module, ABC):
    """What training lowers. Built with `(config, heads)`: the network's heads by name."""

    config_class: ClassVar[type]

    @abstractmethod
    def forward(
        self, outputs: Mapping[str, Output], batch: Batch, teacher: Mapping[str, Output] | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """The scalar to lower, and figures worth a log line; `teacher` is what each teacher says, by its name in the recipe."""


@attrs.frozen(kw_only=True)
class TeacherConfig:
    """What every teacher can be told. A teacher's config inherits from it."""

    cache: Path | None = attrs.field(
        default=None, metadata={"help": "folder that keeps what the teacher said of a clip; worth it where clips come again"}
    )
    probe: str | None = attrs.field(
        default=None, metadata={"help": 'a task such as "speaker", whose classes are fitted to its embeddings for want of logits'}
    )


class Teacher(nn.Module, ABC):
    """A trained network that says what another should learn. Built with `(config)`; it is never trained itself."""

    config_class: ClassVar[type]

    @abstractmethod
    def forward(self, waveform: Tensor, lengths: Tensor) -> Output:
        """`[batch, samples]`, `[batch]` → logits, embedding and frames, as far as this teacher has them.

        Its frames lie evenly over the clip, however many there are.
        """


class Augmentation(ABC):
    """Changes a batch's sound, never its shape or labels. Built with `(config)`.

    Padding stays zero, clips that are not changed stay as they are; `lengths` and `activity` follow a change of pace. One that
    makes a clip's change out of other clips says so: `hears_others`. What it draws has a row for each clip.
    """

    config_class: ClassVar[type]
    hears_others: ClassVar[bool] = False

    def __init__(self, config: Any) -> None:
        self.config = config

    @abstractmethod
    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The random values for this batch, on its device; all randomness comes from `generator`."""

    @abstractmethod
    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch changed by drawn values; the same values give the same sound."""

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Draw, then apply."""
        return self.apply(batch, self.draw(batch, generator))


class Exporter(ABC):
    """Writes a trained network for running without torch. Built with `(config)`."""

    config_class: ClassVar[type]

    def __init__(self, config: Any) -> None:
        self.config = config

    @abstractmethod
    def export(
        self, network: nn.Module, folder: Path, metadata: Mapping[str, str], speech: Callable[[], Sequence[np.ndarray]]
    ) -> Mapping[str, Parity]:
        """Write files that carry `metadata` into `folder`; return each graph's distance from torch.

        `speech` reads clips that training has, float32 `[samples]` each, for what must be fitted to sound.
        """
