"""Are two clips one voice: the equal error rate on speakers that were never trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations, count
from typing import Any

import attrs
import numpy as np

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError
from fastdiar.core.types import RATE
from fastdiar.diarization.model import Model

SHORTEST = 0.5
"""Seconds that a clip needs to take part."""
FEWEST = 8
"""Speakers that a corpus needs to give a figure."""


@attrs.frozen
class Verification:
    """The equal error rate (0…1) over so many trials of one voice and of two, among so many speakers."""

    eer: float
    same: int
    different: int
    speakers: int


def verification(
    model: Model,
    dataset: Dataset,
    entries: Sequence[Entry],
    seconds: float = 2.0,
    trials: int = 5000,
    seed: int = 0,
    heard: Callable[[int], Any] = lambda done: None,
) -> dict[str, Verification]:
    """By corpus of at least eight speakers: random pairs within it, compared by cosine.

    Each clip is the middle `seconds` of its utterance, or all of a shorter one. Pairs of one voice come from different
    sessions where the speaker has several. At most `trials` pairs of each sort. Raises `DataError` where no corpus will do.
    """
    corpora = _corpora(entries)
    if not corpora:
        raise DataError(f"verification needs a corpus of at least {FEWEST} speakers")
    done, results = count(1), {}
    for name, of_one in corpora.items():
        vectors, voices = [], []
        for entry in of_one:
            vector = _vector(model, dataset, entry, seconds)
            heard(next(done))
            if vector is not None:
                vectors.append(vector)
                voices.append(entry)
        pairs = _pairs(voices, trials, np.random.default_rng(seed))
        if all(map(len, pairs)):
            same, different = (_cosines(np.array(vectors), each) for each in pairs)
            speakers = len({voice.labels["speaker"] for voice in voices})
            results[name] = Verification(equal_error_rate(same, different), len(same), len(different), speakers)
    return results


def equal_error_rate(same: np.ndarray, different: np.ndarray) -> float:
    """Where as large a share of `same` scores falls below a threshold as of `different` ones lies at or above it."""
    thresholds = np.unique(np.concatenate((same, different)))
    missed = np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    accepted = 1 - np.searchsorted(np.sort(different), thresholds, side="left") / len(different)
    nearest = int(np.argmin(np.abs(missed - accepted)))
    return float((missed[nearest] + accepted[nearest]) / 2)


def _corpora(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Entries by corpus, by name; those of too few speakers left out."""
    corpora: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.labels.get("speaker"):
            corpora[entry.labels.get("corpus", "")].append(entry)
    speakers = {name: {entry.labels["speaker"] for entry in of_one} for name, of_one in corpora.items()}
    return {name: corpora[name] for name in sorted(corpora) if len(speakers[name]) >= FEWEST}


def _vector(model: Model, dataset: Dataset, entry: Entry, seconds: float) -> np.ndarray | None:
    try:
        samples = dataset.load(entry)
    except AudioError:
        return None
    if len(samples) < SHORTEST * RATE:
        return None
    start = max(0, len(samples) - round(seconds * RATE)) // 2
    frames = model.encode(samples[start : start + round(seconds * RATE)])
    return model.embed(frames, np.ones((1, len(frames)), np.float32))[0]


def _pairs(voices: Sequence[Entry], most: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of indices `[pairs, 2]` of one speaker, and of two."""
    speakers: dict[str, list[int]] = defaultdict(list)
    for index, voice in enumerate(voices):
        speakers[voice.labels["speaker"]].append(index)
    same = np.array([pair for indices in speakers.values() for pair in _same(voices, indices)], int).reshape(-1, 2)
    same = same[random.permutation(len(same))[:most]]
    names = np.array([voice.labels["speaker"] for voice in voices])
    pairs = random.integers(len(voices), size=(2 * most, 2)) if voices else np.empty((0, 2), int)
    return same, pairs[names[pairs[:, 0]] != names[pairs[:, 1]]][:most]


def _same(voices: Sequence[Entry], indices: list[int]) -> list[tuple[int, int]]:
    pairs = list(combinations(indices, 2))
    apart = [(one, other) for one, other in pairs if voices[one].labels.get("session") != voices[other].labels.get("session")]
    return apart or pairs


def _cosines(vectors: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return np.sum(vectors[pairs[:, 0]] * vectors[pairs[:, 1]], axis=1)
