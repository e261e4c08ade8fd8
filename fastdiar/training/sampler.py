"""Which clips a step trains on. Everything drawn follows from the seed and the step, so a run goes on where it stopped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import attrs
import numpy as np
from torch.utils.data import Sampler

from fastdiar.core.tables import Trainer
from fastdiar.core.types import RATE


@attrs.frozen
class Crop:
    """`samples` of the entry `index`, from a place that `seed` draws; without a seed, from the middle."""

    index: int
    samples: int
    seed: tuple[int, ...] | None = None


class TrainingSampler(Sampler[list[Crop]]):
    """The batches of one epoch from `first` on; `epoch` and `first` may be set before each pass.

    Clips of a batch have one length, drawn between `trainer.seconds`. With several processes each takes its share of every
    step's batch. A last batch that would be short is left out.
    """

    def __init__(self, speakers: Sequence[str], trainer: Trainer, rank: int = 0, processes: int = 1) -> None:
        self.speakers = speakers
        self.trainer = trainer
        self.rank, self.processes = rank, processes
        self.epoch = 0
        self.first = 0

    def __len__(self) -> int:
        """Steps of a whole epoch."""
        return max(1, len(self.speakers) // (self.trainer.batch_size * self.processes))

    def __iter__(self) -> Iterator[list[Crop]]:
        random = np.random.default_rng([self.trainer.seed, self.epoch])
        order = self._order(random)
        lengths = np.round(random.uniform(*self.trainer.seconds, size=len(self)) * RATE).astype(int)
        size = self.trainer.batch_size
        for step in range(self.first, len(self)):
            start = (step * self.processes + self.rank) * size
            seed = (self.trainer.seed, self.epoch, step)
            chosen = order[start : start + size]
            yield [Crop(int(index), int(lengths[step]), (*seed, start + slot)) for slot, index in enumerate(chosen)]

    def _order(self, random: np.random.Generator) -> np.ndarray:
        if self.trainer.sampler == "balanced":
            return _balanced(self.speakers, random, self.trainer.utterances_per_speaker)
        return random.permutation(len(self.speakers))


def middles(count: int, samples: int, batch_size: int) -> list[list[Crop]]:
    """Batches of the middles of all entries, in order: for validation."""
    crops = [Crop(index, samples) for index in range(count)]
    return [crops[start : start + batch_size] for start in range(0, count, batch_size)]


def _balanced(speakers: Sequence[str], random: np.random.Generator, together: int) -> np.ndarray:
    """As many indices as there are entries, each speaker equally often, `together` times in a row; one's utterances come in
    turn, then again."""
    utterances: dict[str, list[int]] = defaultdict(list)
    for index, speaker in enumerate(speakers):
        utterances[speaker].append(index)
    decks = [random.permutation(indices) for indices in utterances.values()]
    rounds = -(-len(speakers) // (len(decks) * together))
    order = [
        decks[deck][turn % len(decks[deck])]
        for first in range(0, rounds * together, together)
        for deck in random.permutation(len(decks))
        for turn in range(first, first + together)
    ]
    return np.array(order[: len(speakers)])
