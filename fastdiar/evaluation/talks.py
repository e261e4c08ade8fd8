"""Talks put together from utterances of single speakers, for where no recording is known of who speaks when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import attrs
import numpy as np

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError
from fastdiar.core.types import RATE, Turn

TALKS, PEOPLE, UTTERANCES = 8, 3, 9
"""Talks, people in each, and how often one of them says something."""
LONGEST, PAUSE = 5.0, 0.3
"""Seconds of an utterance that are taken, and of silence after it."""
LEVEL = 0.05
"""Everybody's RMS."""


@attrs.frozen
class Talk(Entry):
    """A talk to be put together of what is `said`, one utterance after another; its path is no file."""

    said: tuple[Entry, ...] = attrs.field(kw_only=True, repr=False)


class Talks(Dataset):
    """People of a dataset who take turns, an utterance each. Overlap, rooms and noise are for the dataset `conversation`."""

    def __init__(self, dataset: Dataset, entries: Sequence[Entry]) -> None:
        """`entries` of `dataset` with a speaker are what there is to say."""
        super().__init__(None)
        self._dataset = dataset
        self._by_speaker: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            if entry.labels.get("speaker"):
                self._by_speaker[entry.labels["speaker"]].append(entry)
        self._turns: dict[str, tuple[Turn, ...]] = {}

    def entries(self) -> list[Entry]:
        """The talks; none where there are fewer than two speakers."""
        return [self._talk(number) for number in range(TALKS)] if len(self._by_speaker) > 1 else []

    def load(self, entry: Entry) -> np.ndarray:
        """A talk's samples, without the utterances that cannot be read; raises `AudioError` where that leaves nothing."""
        assert isinstance(entry, Talk)
        pieces, turns, place = [], [], 0
        for utterance in entry.said:
            try:
                samples = self._dataset.load(utterance)[: round(LONGEST * RATE)]
            except AudioError as error:
                unreadable = error
                continue
            turns.append(Turn(place / RATE, (place + len(samples)) / RATE, utterance.labels["speaker"]))
            pieces += [_levelled(samples), np.zeros(round(PAUSE * RATE), np.float32)]
            place += len(samples) + len(pieces[-1])
        if not pieces:
            raise unreadable
        self._turns[entry.key] = tuple(turns)
        return np.concatenate(pieces)

    def turns(self, entry: Entry) -> tuple[Turn, ...]:
        """Who speaks when: known once a talk is put together; nobody where nothing can be read."""
        if entry.key not in self._turns:
            with suppress(AudioError):
                self.load(entry)
        return self._turns.get(entry.key, ())

    def _talk(self, number: int) -> Talk:
        random = np.random.default_rng(number)
        names = sorted(self._by_speaker)
        people = [names[place] for place in random.permutation(len(names))[:PEOPLE]]
        said = []
        for turn in range(UTTERANCES):
            utterances = self._by_speaker[people[turn % len(people)]]
            said.append(utterances[random.integers(len(utterances))])
        return Talk(f"talk{number}", Path(f"talk{number}"), {}, said=tuple(said))


def _levelled(samples: np.ndarray) -> np.ndarray:
    return samples * np.float32(LEVEL / max(1e-6, float(np.sqrt(np.mean(samples**2)))))
