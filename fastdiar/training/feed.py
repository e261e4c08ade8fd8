"""The clips of a run, batch by batch, and the count of those that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from fastdiar.core.errors import TrainingError
from fastdiar.core.files import write_text
from fastdiar.core.tables import Trainer
from fastdiar.core.types import RATE
from fastdiar.training.checkpoint import UNREADABLE
from fastdiar.training.data import CACHE_BYTES, Batches, Clips, Corpus, Loaded, loader
from fastdiar.training.sampler import Crop, middles


class Feed:
    """Loaders that live as long as the run, so that their processes keep what they have decoded."""

    def __init__(self, corpus: Corpus, trainer: Trainer, out: Path, with_turns: bool) -> None:
        self._corpus, self._trainer, self._out, self._with_turns = corpus, trainer, out, with_turns
        self._loaders: dict[tuple[str, type], Batches] = {}
        self._unreadable: dict[str, None] = {}

    def batches(self, part: str, crops: Iterable[list[Crop]]) -> Batches:
        """Batches of a part of the data, from one loader for each kind of `crops`."""
        key = part, type(crops)
        if key not in self._loaders:
            cache = CACHE_BYTES // (2 * max(1, self._trainer.workers))
            clips = Clips(self._corpus.parts[part], cache, with_turns=self._with_turns)
            self._loaders[key] = loader(clips, crops, self._corpus.labels, self._trainer.workers)
        return self._loaders[key]

    def middles(self, part: str, rank: int = 0, processes: int = 1) -> Iterator[Loaded]:
        """The middles of all clips of a part of the data, in order, or of one process's share of them."""
        count = len(self._corpus.parts[part].entries)
        crops = middles(count, round(self._trainer.seconds[1] * RATE), self._trainer.batch_size)
        return iter(self.batches(part, crops[rank::processes]))

    def unreadable(self, loaded: Loaded) -> int:
        """How many of a batch's clips cannot be read; raises `TrainingError` where too many have come together."""
        self._unreadable |= dict.fromkeys(loaded.bad)
        recordings = sum(len(source.entries) for source in self._corpus.parts.values())
        if len(self._unreadable) > self._trainer.max_bad_share * recordings:
            path = self._out / UNREADABLE
            write_text(path, "".join(f"{reason}\n" for reason in self._unreadable))
            raise TrainingError(
                f"{len(self._unreadable)} of {recordings} recordings cannot be read, more than trainer.max_bad_share = "
                f"{self._trainer.max_bad_share:g} allows: {path} lists those met so far, such as {loaded.bad[-1]}; "
                "fastdiar data check looks for others"
            )
        return len(loaded.bad)
