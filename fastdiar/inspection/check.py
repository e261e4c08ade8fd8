"""Hearing a sample of the data as training would, and counting what is wrong with it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator

import attrs
import numpy as np

from fastdiar.core import audio
from fastdiar.core.dataset import Entry
from fastdiar.core.errors import AudioError, Problem, RecipeError
from fastdiar.core.types import RATE
from fastdiar.inspection.quality import LIMITS, measure
from fastdiar.recipe import Recipe
from fastdiar.training.data import Clip, Clips, Source, read_source
from fastdiar.training.sampler import Crop

MOST_BEYOND = 0.05
"""Share of the clips that may be beyond any one limit: voices differ, and so do microphones."""
MOST_UNREADABLE = 0.01
"""Share of the clips that may be unreadable."""


@attrs.frozen(eq=False)
class Quality:
    """What was found in a sample of the data.

    `values` are all clips' values for each of `LIMITS`, NaN where one is not known, in the order of `keys`; `unreadable` says
    why the clips could not be heard that are not in it, `lacking` how many clips lack a label, by task.
    """

    keys: tuple[str, ...]
    values: dict[str, np.ndarray]
    unreadable: tuple[str, ...]
    lacking: dict[str, int]

    def beyond(self, name: str) -> list[str]:
        """The clips beyond the limit, worst first."""
        excess = LIMITS[name].excess(self.values[name])
        return [self.keys[place] for place in np.argsort(-excess, kind="stable") if excess[place] > 0]

    @property
    def failed(self) -> list[str]:
        """What is wrong with more clips than may be: names of `LIMITS`, and "unreadable"."""
        asked = len(self.keys) + len(self.unreadable)
        failed = [name for name in LIMITS if len(self.beyond(name)) > MOST_BEYOND * len(self.keys)]
        return failed + ["unreadable"] * (len(self.unreadable) > MOST_UNREADABLE * asked)


def check(recipe: Recipe, part: str, count: int, told: Callable[[str, int, int], None] = lambda *_: None) -> Quality:
    """Load `count` crops of `[data.PART]` as training would, drawn by the trainer's seed; `told` hears how far it is."""
    source = source_of(recipe, part)
    tasks = {each.config.task: each.component.level for each in recipe.head.values()}
    found: list[tuple[str, dict[str, float]]] = []
    unreadable: list[str] = []
    lacking: Counter[str] = Counter()
    for done, clip in enumerate(crops(recipe, source, count), start=1):
        if isinstance(clip, Clip):
            gaps = [task for task, level in tasks.items() if not _labelled(clip, task, level)]
            lacking.update(gaps)
            sound = measure(clip.samples)
            found.append((clip.entry.key, {**sound, "rate": _rate(clip.entry), "labels": len(gaps)}))
        else:
            unreadable.append(clip)
        told("clips", done, min(count, len(source.entries)))
    values = {name: np.array([measures[name] for _, measures in found]) for name in LIMITS}
    return Quality(tuple(key for key, _ in found), values, tuple(unreadable), dict(lacking))


def source_of(recipe: Recipe, part: str) -> Source:
    """`[data.PART]`, opened and listed; raises `RecipeError`, also where the recipe has none."""
    if part not in recipe.data:
        known = ", ".join(f"[data.{name}]" for name in recipe.data) or "none"
        raise RecipeError([Problem(f"is missing: the recipe has {known}", f"data.{part}", recipe.path)])
    return read_source(recipe, part)


def crops(recipe: Recipe, source: Source, count: int) -> Iterator[Clip | str]:
    """`count` utterances of the source, none twice, cropped as training crops; where one cannot be read, the reason."""
    clips, random = Clips(source, cache_bytes=0), np.random.default_rng(recipe.trainer.seed)
    for place, index in enumerate(random.permutation(len(source.entries))[:count]):
        samples = round(random.uniform(*recipe.trainer.seconds) * RATE)
        yield clips[Crop(int(index), samples, (recipe.trainer.seed, place))]


def _labelled(clip: Clip, task: str, level: str) -> bool:
    """Whether it is known what a head should say of a clip; one that judges frames learns from turns."""
    return clip.activity is not None if level == "frame" else bool(clip.entry.labels.get(task))


def _rate(entry: Entry) -> float:
    """The rate of the entry's file (Hz); unknown where it has no file of its own."""
    try:
        return audio.rate(entry.path)
    except AudioError:
        return math.nan
