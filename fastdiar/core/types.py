"""What flows through fastdiar. Times are in seconds, positions in samples at 16 kHz unless a name says otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from attrs import field, validators

if TYPE_CHECKING:
    import torch
    from pyannote.core import Annotation

RATE = 16_000
"""The sampling rate (Hz) of every waveform inside fastdiar."""
TICK = RATE // 100
"""Samples from one number of `Batch.activity` to the next."""


@attrs.frozen(eq=False)
class Recording:
    """Something to listen to: a file, or samples with their rate.

    `samples` is float32 `[samples]` or `[samples, channels]` in -1…1, at `rate` Hz. `channel` is a number from 0, or
    "mix" for the mean of all channels.
    """

    path: Path | None = None
    samples: np.ndarray | None = None
    rate: int = RATE
    channel: int | str = "mix"
    uri: str = "recording"


@attrs.frozen(order=True)
class Turn:
    """One person speaking from `start` to `end` (seconds); `confidence` is 0…1 where it is known."""

    start: float
    end: float
    speaker: str
    confidence: float | None = None

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return self.end - self.start


@attrs.frozen(eq=False)
class Voice:
    """A person's voice: `vector` float32 `[dim]` of unit length, and the `seconds` that the person speaks."""

    vector: np.ndarray
    seconds: float


def _in_order(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    return tuple(sorted(turns))


@attrs.frozen
class Diarization:
    """Who spoke when in one recording: its turns, ordered by start.

    `speakers_probability` is how sure the diarizer is of the number of people, 0…1, where it estimated one;
    `runner_up` is the same recording with one person more, where that was asked for and speech was found for so many.
    `warnings` are for a person: a wish that could not be met. `voices` are the people's, by name; two diarizations are equal
    whatever these are.
    """

    uri: str
    turns: tuple[Turn, ...] = attrs.field(converter=_in_order)
    seconds: float | None = None
    speakers_probability: float | None = None
    warnings: tuple[str, ...] = ()
    voices: Mapping[str, Voice] = attrs.field(factory=dict, eq=False, repr=False)
    runner_up: Diarization | None = None

    @property
    def speakers(self) -> list[str]:
        """The people heard, in order of their first turn."""
        return list(dict.fromkeys(turn.speaker for turn in self.turns))

    def renamed(self, names: Mapping[str, str]) -> Diarization:
        """The same turns and voices, people in `names` under their new ones."""
        return attrs.evolve(
            self,
            turns=tuple(attrs.evolve(turn, speaker=names.get(turn.speaker, turn.speaker)) for turn in self.turns),
            voices={names.get(speaker, speaker): voice for speaker, voice in self.voices.items()},
        )

    def to_rttm(self) -> str:
        """The turns as RTTM lines."""
        from fastdiar.core.formats import format_rttm

        return format_rttm(self)

    def to_json(self) -> str:
        """The turns as a JSON object."""
        from fastdiar.core.formats import format_json

        return format_json(self)

    def to_annotation(self) -> Annotation:
        """The turns as a `pyannote.core.Annotation` (needs `pip install '.[score]'`)."""
        from fastdiar.core.formats import to_annotation

        return to_annotation(self)


@attrs.frozen
class Frames:
    """What a stream of frames is: `dim` numbers a frame, one every `hop` samples, the first centred on sample `first`.

    The first `voice` numbers say whose voice a frame is, and are what is pooled; the rest is for heads that judge frames. None:
    all say it.
    """

    dim: int = field(validator=validators.ge(1))
    hop: float = field(validator=validators.ge(1))
    first: float
    voice: int | None = field(default=None, validator=validators.optional(validators.ge(1)))

    @property
    def of_voice(self) -> Frames:
        """The part of the frames that is pooled."""
        return Frames(self.voice or self.dim, self.hop, self.first)


@attrs.frozen(eq=False)
class Batch:
    """A batch of clips for training.

    `waveform` float32 `[batch, samples]`, zero-padded; `lengths` int64 `[batch]` in samples; `labels` maps a task to int64
    `[batch]`, with -1 where the label is unknown; `keys` names each clip; `activity` float32 `[batch, ticks, speakers]`,
    0…1 every `TICK`, is who speaks, with -1 throughout for a clip whose turns nobody knows, where any are known; `epoch` is how
    many epochs of training are done, parts of one included: what a loss's schedule follows.
    """

    waveform: torch.Tensor
    lengths: torch.Tensor
    labels: dict[str, torch.Tensor]
    keys: tuple[str, ...] = ()
    activity: torch.Tensor | None = None
    epoch: float = math.inf

    def to(self, device: Any) -> Batch:
        """The same batch on another device."""
        return attrs.evolve(
            self,
            waveform=self.waveform.to(device),
            lengths=self.lengths.to(device),
            labels={task: ids.to(device) for task, ids in self.labels.items()},
            activity=None if self.activity is None else self.activity.to(device),
        )

    def split(self, parts: int) -> list[Batch]:
        """The clips in so many batches, in order, each as long as this one; fewer where there are not as many clips."""
        bounds = [len(self.keys) * part // parts for part in range(parts + 1)]
        return [self.take(range(start, end)) for start, end in pairwise(bounds) if start < end]

    def take(self, clips: Sequence[int]) -> Batch:
        """Some of the clips, by their numbers, as a batch of their own."""
        rows = list(clips)
        return attrs.evolve(
            self,
            waveform=self.waveform[rows],
            lengths=self.lengths[rows],
            labels={task: ids[rows] for task, ids in self.labels.items()},
            keys=tuple(self.keys[row] for row in rows) if self.keys else (),
            activity=None if self.activity is None else self.activity[rows],
        )
