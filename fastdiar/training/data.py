"""From a dataset's entries to batches of clips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import attrs
import numpy as np
import soxr
import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, FastdiarError, Problem, RecipeError
from fastdiar.core.types import RATE, TICK, Batch, Turn
from fastdiar.recipe import Recipe, read_data
from fastdiar.training.sampler import Crop

CACHE_BYTES = 2 << 30
"""Decoded sound kept in memory, by all loading processes together: a small corpus is decoded once."""
SHORTEST = RATE // 10
"""Samples below which there is nothing to learn from."""


@attrs.frozen(eq=False)
class Loaded:
    """A batch, or None where no clip of it could be read, and why each of the others could not; `failure` ends the run."""

    batch: Batch | None
    bad: tuple[str, ...]
    failure: FastdiarError | None = None


@attrs.frozen(eq=False)
class Clip:
    """`samples` float32 `[samples]`, at most as many as asked for; `activity` float32 `[ticks, speakers]`, or None if unknown."""

    samples: np.ndarray
    entry: Entry
    activity: np.ndarray | None = None


@attrs.frozen(eq=False)
class Source:
    """One part of the data: a dataset and what it lists."""

    dataset: Dataset
    entries: tuple[Entry, ...]

    @property
    def speakers(self) -> list[str]:
        """Each entry's speaker; one that is unknown is a speaker of its own."""
        return [entry.labels.get("speaker", entry.key) for entry in self.entries]


@attrs.frozen(eq=False)
class Corpus:
    """What a run learns from: its `parts` ("train" and, where the recipe has it, "dev"), and each task's classes."""

    parts: dict[str, Source]
    labels: dict[str, tuple[str, ...]]

    @property
    def train(self) -> Source:
        """The part that is trained on."""
        return self.parts["train"]


def read_corpus(recipe: Recipe) -> Corpus:
    """List the recipe's training and development data; raises `RecipeError` where they cannot be trained on together."""
    if "train" not in recipe.data:
        raise RecipeError([Problem("is missing: training needs it", "data.train", recipe.path)])
    parts = {name: read_source(recipe, name) for name in ("train", "dev") if name in recipe.data}
    heard = {(entry.path, entry.start, entry.key) for entry in parts["train"].entries}
    for name in recipe.data:
        if name != "train":
            both = sum(
                (entry.path, entry.start, entry.key) in heard for entry in (parts.get(name) or read_source(recipe, name)).entries
            )
            if both:
                raise RecipeError([Problem(f"{both} of its utterances are in data.train too", f"data.{name}", recipe.path)])
    tasks = dict.fromkeys(part.config.task for part in recipe.head.values())
    labels = {task: _classes(parts["train"].entries, task) for task in tasks}
    if "dev" in parts and not recipe.teacher:
        _check_known(parts["dev"].entries, labels, recipe)
    return Corpus(parts, labels)


def _check_known(entries: Sequence[Entry], labels: Mapping[str, tuple[str, ...]], recipe: Recipe) -> None:
    """That validation has something to say: raises `RecipeError` where classes are learnt and no utterance is of any of them."""
    known = (entry.labels.get(task) in names for task, names in labels.items() for entry in entries)
    if all(labels.values()) and not any(known):
        message = (
            f"none of its utterances has a {' or '.join(labels)} of data.train, so validation would say nothing: split "
            'utterances instead of speakers (partition = "utterance"), or leave data.dev out'
        )
        raise RecipeError([Problem(message, "data.dev", recipe.path)])


def read_source(recipe: Recipe, name: str) -> Source:
    """Open `[data.NAME]` and list it; raises `RecipeError`."""
    dataset, entries = read_data(recipe, name)
    speeds = recipe.trainer.speeds if name == "train" else ()
    return Source(dataset, (*entries, *(_at(speed, entry) for speed in speeds for entry in entries)))


def _at(speed: float, entry: Entry) -> Entry:
    """The utterance played at another speed: somebody else's voice."""
    labels = {task: f"{name}*{speed:g}" if task == "speaker" else name for task, name in entry.labels.items()}
    return attrs.evolve(entry, key=f"{entry.key}*{speed:g}", labels=labels, speed=speed)


class Clips(TorchDataset["Clip | str"]):
    """Crops of a source's entries; where one cannot be read, the reason why."""

    def __init__(self, source: Source, cache_bytes: int, with_turns: bool = False) -> None:
        self.source = source
        self.with_turns = with_turns
        self._cache: dict[int, np.ndarray] = {}
        self._room = cache_bytes

    def __getitem__(self, crop: Crop) -> Clip | str:
        entry = self.source.entries[crop.index]
        try:
            samples = self._samples(crop.index)
            turns = self.source.dataset.turns(entry) if self.with_turns else None
        except AudioError as error:
            return str(error)
        if len(samples) < SHORTEST:
            return f"{entry.path}: only {len(samples) / RATE:.3f} s long: expected {SHORTEST / RATE} s or more"
        spare = max(0, len(samples) - crop.samples)
        start = spare // 2 if crop.seed is None else int(np.random.default_rng(crop.seed).integers(spare + 1))
        clip = samples[start : start + crop.samples]
        return Clip(clip, entry, None if turns is None else spoken(turns, start, len(clip), entry.speed))

    def __getitems__(self, crops: Sequence[Crop]) -> list[Clip | str | FastdiarError]:
        """All clips of a batch. What is about more than one recording is handed on: a process would wrap what it raises."""
        try:
            return [self[crop] for crop in crops]
        except FastdiarError as error:
            return [error]

    def _samples(self, index: int) -> np.ndarray:
        if index in self._cache:
            return self._cache[index]
        entry = self.source.entries[index]
        samples = self.source.dataset.load(entry)
        if entry.speed != 1:
            samples = soxr.resample(samples, RATE * entry.speed, RATE)
        if samples.nbytes <= self._room:
            self._room -= samples.nbytes
            self._cache[index] = samples
        return samples


class Batches(DataLoader[Loaded]):
    """Batches as they are loaded, in other processes or in this one; raises what ended one of them."""

    def __iter__(self) -> Iterator[Loaded]:  # type: ignore[override]
        for loaded in super().__iter__():
            if loaded.failure is not None:
                raise loaded.failure
            yield loaded


def loader(clips: Clips, batches: Iterable[list[Crop]], labels: Mapping[str, Sequence[str]], workers: int) -> Batches:
    """Batches of clips; `labels` are each task's classes, in the order of their numbers."""
    numbers = {task: {name: number for number, name in enumerate(names)} for task, names in labels.items()}
    gather = partial(collate, numbers=numbers)
    return Batches(clips, batch_sampler=batches, num_workers=workers, persistent_workers=workers > 0, collate_fn=gather)


def collate(clips: Sequence[Clip | str | FastdiarError], numbers: Mapping[str, Mapping[str, int]]) -> Loaded:
    """Clips as one batch, zero-padded to the longest."""
    failure = next((clip for clip in clips if isinstance(clip, FastdiarError)), None)
    good = [clip for clip in clips if isinstance(clip, Clip)]
    bad = tuple(clip for clip in clips if isinstance(clip, str))
    if not good:
        return Loaded(None, bad, failure)
    lengths = torch.tensor([len(clip.samples) for clip in good])
    waveform = torch.zeros(len(good), int(lengths.max()))
    for row, clip in zip(waveform, good, strict=True):
        row[: len(clip.samples)] = torch.from_numpy(clip.samples)
    labels = {task: torch.tensor([of.get(clip.entry.labels.get(task, ""), -1) for clip in good]) for task, of in numbers.items()}
    return Loaded(
        Batch(waveform, lengths, labels, tuple(clip.entry.key for clip in good), _activity(good, waveform.shape[1])), bad
    )


def spoken(turns: Sequence[Turn], start: int, samples: int, speed: float) -> np.ndarray:
    """Who speaks in each tick of a crop that begins at sample `start`: float32 `[ticks, speakers]`, 0 or 1."""
    speakers = sorted({turn.speaker for turn in turns})
    middles = (start + TICK * (np.arange(-(-samples // TICK)) + 0.5)) * speed / RATE
    activity = np.zeros((len(middles), len(speakers)), np.float32)
    for turn in turns:
        activity[(middles >= turn.start) & (middles < turn.end), speakers.index(turn.speaker)] = 1
    return activity


def _activity(clips: Sequence[Clip], samples: int) -> torch.Tensor | None:
    """All clips' activity, zero-padded, with -1 for one that has none; None where all have none."""
    speakers = [clip.activity.shape[1] for clip in clips if clip.activity is not None]
    if not speakers:
        return None
    activity = torch.zeros(len(clips), -(-samples // TICK), max(1, *speakers))
    for row, clip in zip(activity, clips, strict=True):
        if clip.activity is None:
            row.fill_(-1)
        else:
            row[: clip.activity.shape[0], : clip.activity.shape[1]] = torch.from_numpy(clip.activity)
    return activity


def _classes(entries: Iterable[Entry], task: str) -> tuple[str, ...]:
    return tuple(sorted({entry.labels[task] for entry in entries if entry.labels.get(task)}))
