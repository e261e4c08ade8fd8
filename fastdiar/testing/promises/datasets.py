"""What every dataset promises. Tried on the corpus that its config names, of which a few utterances are read."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args
from unittest.mock import patch

import attrs
import numpy as np
import soundfile

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.excerpts import evenly
from fastdiar.core.types import RATE
from fastdiar.testing.subject import Subject, applies, hold

FEW = 6
"""Utterances that are read."""


def lists_without_opening_audio(subject: Subject) -> None:
    """`entries` reads names and metadata only, and lists something: no samples are read."""
    with _read() as paths:
        entries = _dataset(subject).entries()
    hold(bool(entries), "lists nothing: give a config with a corpus that is there")
    heard = {os.path.realpath(entry.path) for entry in entries if entry.path.is_file()} & paths
    hold(not heard, f"read {min(heard, default='')}")


def lists_the_same_each_time(subject: Subject) -> None:
    """Two listings are equal, each `key` is there once, and labels are text for text."""
    one, other = _dataset(subject).entries(), _dataset(subject).entries()
    hold([_known(each) for each in one] == [_known(each) for each in other], "two listings differ")
    keys = [entry.key for entry in one]
    twice = [key for key in dict.fromkeys(keys) if keys.count(key) > 1] if len(set(keys)) < len(keys) else []
    hold(not twice, f"the key {twice[0] if twice else ''!r} is there {keys.count(twice[0]) if twice else 0} times")
    odd = next((entry for entry in one for item in entry.labels.items() if not all(isinstance(each, str) for each in item)), None)
    hold(odd is None, f"labels that are no text: {odd and odd.labels}")


def keeps_its_splits_apart(subject: Subject) -> None:
    """What its key `split` tells apart has no utterance in common."""
    field = next((field for field in attrs.fields(type(subject.config)) if field.name == "split"), None)
    applies(field is not None, "has no key 'split'")
    parts = [each for each in get_args(field.type if field else None) if each != "all"]
    applies(bool(parts), "its key 'split' has no fixed values")
    keys = {part: {entry.key for entry in subject.build(split=part).entries()} for part in parts}
    for place, one in enumerate(parts):
        for other in parts[place + 1 :]:
            both = keys[one] & keys[other]
            hold(not both, f"{len(both)} utterances are in '{one}' and in '{other}', such as {min(both, default='')!r}")


def loads_samples(subject: Subject) -> None:
    """`load` gives float32 [samples] at 16 kHz, finite, as long as the entry says, and the same each time."""
    dataset = _dataset(subject)
    for entry in evenly(dataset.entries(), FEW):
        samples = dataset.load(entry)
        hold(samples.dtype == np.float32 and samples.ndim == 1, f"{entry.key}: {samples.dtype} {list(samples.shape)}")
        hold(len(samples) > 0 and bool(np.isfinite(samples).all()), f"{entry.key}: nothing, or samples that are no numbers")
        hold(np.array_equal(samples, dataset.load(entry)), f"{entry.key}: two calls, two sounds")
        if entry.seconds is not None:
            apart = abs(len(samples) / RATE - entry.seconds)
            hold(apart < 0.1, f"{entry.key}: {len(samples) / RATE:.2f} s instead of {entry.seconds:.2f} s")


def tells_turns_within_the_utterance(subject: Subject) -> None:
    """Where `turns` tells who speaks, turns lie within the utterance, in seconds from its start."""
    dataset = _dataset(subject)
    entries = evenly(dataset.entries(), FEW)
    applies(any(dataset.turns(entry) is not None for entry in entries), "does not tell who speaks when")
    for entry in entries:
        seconds = len(dataset.load(entry)) / RATE
        for turn in dataset.turns(entry) or ():
            hold(0 <= turn.start < turn.end <= seconds + 0.1, f"{entry.key}: {turn} of {seconds:.2f} s")


def gives_the_same_batches_on_any_workers(subject: Subject) -> None:
    """Loaded here, by one process beside this or by four, batches are equal."""
    import torch

    from fastdiar.training.data import Clips, Source, loader
    from fastdiar.training.sampler import Crop

    dataset = _dataset(subject)
    source = Source(dataset, tuple(evenly(dataset.entries(), FEW)))
    crops = [Crop(index, RATE // 2, (0, index)) for index in range(len(source.entries))]
    batches = [crops[: FEW // 2], crops[FEW // 2 :]] if len(crops) > FEW // 2 else [crops]
    labels = {"speaker": sorted(set(source.speakers))}

    def loaded(workers: int) -> list[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # four are many on a small machine
            return list(loader(Clips(source, cache_bytes=0), batches, labels, workers))

    here = loaded(0)
    for workers in (1, 4):
        for one, other in zip(here, loaded(workers), strict=True):
            hold(one.bad == other.bad, f"with {workers} workers, unreadable: {other.bad} instead of {one.bad}")
            if one.batch is not None:
                same = torch.equal(one.batch.waveform, other.batch.waveform) and one.batch.keys == other.batch.keys
                hold(same, f"with {workers} workers, other samples")


PROMISES = (
    lists_without_opening_audio,
    lists_the_same_each_time,
    keeps_its_splits_apart,
    loads_samples,
    tells_turns_within_the_utterance,
    gives_the_same_batches_on_any_workers,
)


def _dataset(subject: Subject) -> Dataset:
    dataset: Dataset = subject.build()
    return dataset


def _known(entry: Entry) -> tuple[Any, ...]:
    """What every entry tells; those of a dataset's own kind may hold more."""
    return entry.key, entry.path, entry.labels, entry.start, entry.seconds


@contextmanager
def _read() -> Iterator[set[str]]:
    """The files that Python opens, or libsndfile reads samples from, within the block; without links in their paths."""
    paths: set[str] = set()
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and isinstance(arguments[0], str | os.PathLike):
            paths.add(os.path.realpath(arguments[0]))

    def reading(self: soundfile.SoundFile, *arguments: Any, **keys: Any) -> Any:
        paths.add(os.path.realpath(str(self.name)))
        return original(self, *arguments, **keys)

    original = soundfile.SoundFile.read
    sys.addaudithook(watch)  # stays for good, which is why it is told when to stop
    try:
        with patch.object(soundfile.SoundFile, "read", reading):
            yield paths
    finally:
        watching = False
