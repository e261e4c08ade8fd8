"""The fixed tables of a recipe: settings of the trainer and of the walk, which no plugin replaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import attrs
from attrs import field, validators

from fastdiar.core import checks


@attrs.frozen
class Trainer:
    """`[trainer]`: how a network is trained."""

    start: Path | None = field(
        default=None, metadata={"help": "a run whose best network lends its weights, where names and shapes are equal"}
    )
    freeze: tuple[str, ...] = field(
        default=(), metadata={"help": 'parts that stay as they are, by their tables: ["encoder", "pooling", "head.speaker"]'}
    )
    epochs: int = field(default=30, validator=validators.ge(1), metadata={"help": "passes over the training data"})
    batch_size: int = field(
        default=32, validator=validators.ge(1), metadata={"help": "clips a step, in each of the processes that train together"}
    )
    accumulate: int = field(
        default=1,
        validator=validators.ge(1),
        metadata={"help": "parts in which a step's clips are computed: less memory, the same step but for batch norms"},
    )
    seconds: tuple[float, float] = field(default=(3.0, 5.0), metadata={"help": "shortest and longest random crop (seconds)"})
    speeds: tuple[float, ...] = field(
        default=(),
        validator=validators.deep_iterable([validators.ge(0.5), validators.le(2.0)]),
        metadata={"help": "each utterance is heard at these speeds too, as other people's: 0.9 is slower and lower"},
    )
    sampler: Literal["shuffled", "balanced"] = field(
        default="shuffled", metadata={"help": "an epoch hears each utterance once, or each speaker equally often"}
    )
    utterances_per_speaker: int = field(
        default=1,
        validator=validators.ge(1),
        metadata={"help": "that a speaker brings to a batch (balanced only); losses on pairs of clips need 2 or more"},
    )
    optimizer: Literal["adamw"] = field(default="adamw", metadata={"help": "the optimiser"})
    learning_rate: float = field(default=1e-3, validator=validators.gt(0), metadata={"help": "at the schedule's peak"})
    weight_decay: float = field(default=1e-4, validator=validators.ge(0), metadata={"help": "decoupled weight decay"})
    schedule: Literal["cosine", "constant"] = field(default="cosine", metadata={"help": "of the learning rate"})
    task_weights: Literal["fixed", "learnt"] = field(
        default="fixed",
        metadata={"help": "of several losses: as their tables say, or learnt from how uncertain each is (times what they say)"},
    )
    gradient_clip: float = field(
        default=5.0,
        validator=validators.ge(0),
        metadata={"help": "norm that larger gradients are scaled down to; 0 leaves them"},
    )
    ema: float = field(
        default=0.0,
        validator=[validators.ge(0), validators.lt(1)],
        metadata={"help": "decay of a moving average of the weights, which is then validated and exported; 0 for none"},
    )
    patience: int = field(
        default=5,
        validator=validators.ge(0),
        metadata={"help": "epochs without a better validation before stopping; 0 never stops"},
    )
    checkpoint_every: int = field(default=5, validator=validators.ge(1), metadata={"help": "epochs between kept checkpoints"})
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = field(default="32-true", metadata={"help": "of the arithmetic"})
    max_bad_share: float = field(
        default=0.01,
        validator=checks.share,
        metadata={"help": "share of the recordings that may be unreadable; with more the run stops and lists them"},
    )
    workers: int = field(default=0, validator=validators.ge(0), metadata={"help": "processes that load audio"})
    seed: int = field(default=0, validator=validators.ge(0), metadata={"help": "of every random number"})

    @seconds.validator
    def _ordered(self, attribute: attrs.Attribute[Any], value: tuple[float, float]) -> None:
        if not 0 < value[0] <= value[1]:
            raise ValueError(f"must be two lengths in seconds, shortest first, above 0: {list(value)}")

    @utterances_per_speaker.validator
    def _fills_batches(self, attribute: attrs.Attribute[Any], value: int) -> None:
        if value > 1 and self.sampler != "balanced":
            raise ValueError(f'needs sampler = "balanced": {value}')
        if value > 1 and self.batch_size % value:
            raise ValueError(f"must divide trainer.batch_size, which is {self.batch_size}: {value}")


@attrs.frozen
class WalkSettings:
    """`[diarization]`: thresholds of the walk, fitted on development recordings only."""

    chunk: float = field(default=10.0, validator=validators.ge(1), metadata={"help": "length of a chunk (seconds)"})
    overlap: float = field(
        default=0.25,
        validator=[validators.ge(0), validators.lt(0.95)],
        metadata={"help": "share of a chunk heard again in the next"},
    )
    speech: float = field(
        default=0.5,
        validator=checks.share,
        metadata={"help": "probability from which a frame is speech"},
    )
    second_speaker: float = field(
        default=0.5,
        validator=checks.share,
        metadata={"help": "probability from which a second person speaks"},
    )
    window: float = field(default=1.0, validator=validators.gt(0), metadata={"help": "length of a speech window (seconds)"})
    step: float = field(
        default=0.5, validator=validators.gt(0), metadata={"help": "from one window's start to the next (seconds)"}
    )
    shortest_window: float = field(
        default=0.4, validator=validators.gt(0), metadata={"help": "speech that a window needs to be embedded (seconds)"}
    )
    pause: float = field(default=0.5, validator=validators.gt(0), metadata={"help": "a silence that no window crosses (seconds)"})
    fill_gap: float = field(
        default=0.15,
        validator=validators.ge(0),
        metadata={"help": "gaps within one speaker shorter than this are closed (seconds)"},
    )
    shortest_turn: float = field(
        default=0.1, validator=validators.ge(0), metadata={"help": "turns shorter than this are dropped (seconds)"}
    )
    known_cosine: float = field(
        default=0.5,
        validator=[validators.gt(0), validators.le(1)],
        metadata={"help": "cosine of a voice and an enrolled one from which the person is given that name"},
    )
    known_seconds: float = field(
        default=5.0, validator=validators.ge(0), metadata={"help": "speech of one person that enrolling needs (seconds)"}
    )
