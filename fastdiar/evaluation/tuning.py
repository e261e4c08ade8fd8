"""Settings of the walk and of its clustering, tried on recordings that are heard once.

The objective is the mean over sets of the pooled strict DER, so that a large set does not outvote a small one. A setting that
is best on the sets it was chosen on flatters itself: beside it stands what is chosen without each set, and how that set fares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import field

from fastdiar.core.clustering import Clustering
from fastdiar.core.errors import AudioError, DataError, FastdiarError, nearest
from fastdiar.core.recipe_files import laid_over
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE, Recording
from fastdiar.diarization.hear import Heard
from fastdiar.diarization.model import Model
from fastdiar.diarization.settings import clustering_of, settings_of
from fastdiar.diarization.walk import heard_chunks, told_apart
from fastdiar.evaluation.diarization import Pair, Score, pooled, score
from fastdiar.evaluation.evaluation import Data, Watch
from fastdiar.evaluation.recordings import loaded, recordings

LATER = ("speech", "second_speaker", "fill_gap", "shortest_turn")
"""Keys of `[diarization]` that matter once a recording was heard, beside those of its clustering."""

Values = dict[str, Any]
"""Values by key, such as `{"cluster.same": 0.8}`."""
Choices = Mapping[str, Sequence[Any]]
"""The values to try, by key."""


@attrs.frozen(eq=False)
class Remembered:
    """A set by its name: each recording as it was heard, and what is held against it; the reasons for those unread."""

    name: str
    recordings: tuple[tuple[tuple[Heard, ...], Pair], ...] = field(repr=False)
    unreadable: tuple[str, ...] = ()


@attrs.frozen
class Trial:
    """What other values than the model's own do: the pooled strict score of each set, and its share of right counts (0…1)."""

    values: Values
    scores: dict[str, Score]
    right_count: dict[str, float]

    def mean(self, names: Sequence[str] | None = None) -> float:
        """DER (share of 1), averaged over the sets named, or over all."""
        rates = [self.scores[name].der or 0.0 for name in (names or self.scores)]
        return sum(rates) / len(rates)


@attrs.frozen
class LeftOut:
    """What is chosen without the set `name`; its score tells how well a choice carries over."""

    name: str
    chosen: Trial


@attrs.frozen
class Tuned:
    """`own` are the model's settings, `best` the ones chosen, and `table` its `[diarization]`; `trials` are all, in order."""

    own: Trial
    best: Trial
    left_out: tuple[LeftOut, ...]
    trials: tuple[Trial, ...]
    table: dict[str, Any]


def remember(model: Model, data: Sequence[Data], watch: Watch = lambda what, count: lambda done: None) -> list[Remembered]:
    """Hear every recording once, with the model's own settings; what stays takes some 12 MB an hour.

    Raises `DataError` where a set does not say who speaks, or nobody does; `ModelError` where the model does not diarize.
    """
    settings = settings_of(model)
    return [_remembered(model, settings, each, watch) for each in data]


def check(model: Model, choices: Choices) -> None:
    """That every key can be tuned and takes each of its values, before hours are spent on hearing.

    Raises `FastdiarError` for a key that cannot be tuned, `ModelError` for a value that makes no sense.
    """
    for key in choices:
        if key not in LATER and not key.startswith("cluster."):
            raise FastdiarError(
                f"{key}: cannot be tuned{nearest(key, LATER)}: recordings are heard once, and what comes later is "
                f"{', '.join(LATER)} and the clustering's own keys, as cluster.KEY"
            )
    others = [key for key in choices if key.startswith("cluster.") and key != "cluster.use"]
    if len(choices.get("cluster.use", ())) > 1 and others:
        raise FastdiarError(f"{others[0]}: each clustering has keys of its own: give cluster.use one value, or tune it alone")
    fixed = _fixed(choices)
    for key, values in choices.items():
        for value in values:
            table = _table(model, {**fixed, key: value})
            settings_of(model, table), clustering_of(model, table)


def tune(model: Model, sets: Sequence[Remembered], choices: Choices) -> Tuned:
    """Choose among the values of each key by coordinate descent; a key with one value has it from the start.

    One key after another takes its best value while the others stay, until a whole round changes nothing; then again without
    each set. The best of all that was tried is chosen.
    """
    bench, names = _Bench(model, sets), [each.name for each in sets]
    own = bench.tried({})
    others = {name: [other for other in names if other != name] for name in names if len(names) > 1}
    for some in (names, *others.values()):
        _descend(bench, choices, some)
    fixed = bench.tried(_fixed(choices)).values.items()
    candidates = [trial for trial in bench.trials if fixed <= trial.values.items()]
    best = _best(candidates, names)
    left_out = tuple(LeftOut(name, _best(candidates, rest)) for name, rest in others.items())
    return Tuned(own, best, left_out, tuple(bench.trials), _table(model, best.values))


def _remembered(model: Model, settings: WalkSettings, data: Data, watch: Watch) -> Remembered:
    if not data.tells_turns:
        raise DataError(f"{data.name}: does not say who speaks when: expected recordings with their turns")
    wholes = recordings(data.entries)
    progress, found, unreadable = watch(data.name, len(wholes)), [], []
    for done, whole in enumerate(wholes, start=1):
        try:
            samples, truth = loaded(data.dataset, whole)
            recording = Recording(samples=samples, rate=RATE, uri=truth.uri)
            found.append((tuple(heard_chunks(recording, model, settings)), truth))
        except AudioError as error:
            unreadable.append(str(error))
        progress(done)
    if not any(truth.reference for _, truth in found):
        raise DataError(f"{data.name}: nobody speaks in what could be read of it{''.join(f'; {each}' for each in unreadable)}")
    return Remembered(data.name, tuple(found), tuple(unreadable))


class _Bench:
    """Tries settings on what was heard, each only once."""

    def __init__(self, model: Model, sets: Sequence[Remembered]) -> None:
        self.model, self.sets = model, sets
        self.trials: list[Trial] = []

    def tried(self, values: Values) -> Trial:
        """How these settings do; settings that change nothing count as the model's own."""
        whole = _table(self.model, values)
        values = {key: value for key, value in values.items() if _table(self.model, _without(values, key)) != whole}
        found = next((trial for trial in self.trials if trial.values == values), None)
        if found is None:
            table = _table(self.model, values)
            found = self._try(values, settings_of(self.model, table), clustering_of(self.model, table))
            self.trials.append(found)
        return found

    def _try(self, values: Values, settings: WalkSettings, clustering: Clustering) -> Trial:
        scores = {each.name: list(self._scores(each, settings, clustering)) for each in self.sets}
        right = {name: sum(one.speakers == one.found for one in files) / len(files) for name, files in scores.items()}
        return Trial(values, {name: pooled(files) for name, files in scores.items()}, right)

    def _scores(self, heard: Remembered, settings: WalkSettings, clustering: Clustering) -> Iterator[Score]:
        for chunks, truth in heard.recordings:
            found = told_apart(truth.uri, chunks, self.model, settings, clustering)
            yield score(attrs.evolve(truth, hypothesis=found.turns))


def _descend(bench: _Bench, choices: Choices, names: Sequence[str]) -> None:
    """Try what coordinate descent on the sets named comes by. Of equals the one that stood before stays."""
    best = bench.tried(_fixed(choices))
    changed = True
    while changed:
        before = best
        for key, values in choices.items():
            best = _best([best, *(bench.tried({**best.values, key: value}) for value in values)], names)
        changed = best.mean(names) < before.mean(names)


def _best(trials: Sequence[Trial], names: Sequence[str]) -> Trial:
    return min(trials, key=lambda trial: trial.mean(names))


def _without(values: Values, key: str) -> Values:
    return {name: value for name, value in values.items() if name != key}


def _fixed(choices: Choices) -> Values:
    """The keys that have one value; the clustering first, as another's own keys are laid over its defaults."""
    return {key: choices[key][0] for key in sorted(choices, key="cluster.use".__ne__) if len(choices[key]) == 1}


def _table(model: Model, values: Values) -> dict[str, Any]:
    """`[diarization]` with `values` on top of the model's own."""
    table: dict[str, Any] = model.bundle.diarization
    for key, value in values.items():
        inside, _, name = key.rpartition(".")
        table = laid_over(table, {inside: {name: value}} if inside else {name: value})
    return table
