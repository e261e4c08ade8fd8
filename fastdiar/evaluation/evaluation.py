"""Everything that can be measured of a model on given data, and where it was measured."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from fastdiar.core.bundle import GRAPHS
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError, Problem, RecipeError
from fastdiar.core.formats import Trial
from fastdiar.diarization.model import Model
from fastdiar.evaluation import criteria
from fastdiar.evaluation.closed_set import ClosedSet, closed_set, known_entries
from fastdiar.evaluation.criteria import CRITERIA, Measured
from fastdiar.evaluation.diarization import Score
from fastdiar.evaluation.environment import hardware, versions
from fastdiar.evaluation.recordings import Diarized, Heard, diarized, recordings
from fastdiar.evaluation.runs import TrainedRun
from fastdiar.evaluation.tasks import TaskAccuracy, TaskFigures
from fastdiar.evaluation.verification import Cohort, Verification, verification
from fastdiar.recipe import read_data, read_data_tables, recipe_from_table

Watch = Callable[[str, int], Callable[[int], Any]]
"""Told what is heard next and how many there are, it gives what is told how many are done."""


@attrs.frozen(eq=False)
class Data:
    """Something to measure on, by the name it was asked for."""

    name: str
    dataset: Dataset
    entries: Sequence[Entry]

    @property
    def tells_turns(self) -> bool:
        """Whether it says who speaks when: then recordings are diarized."""
        return bool(self.entries) and self.dataset.turns(self.entries[0]) is not None


@attrs.frozen
class Wishes:
    """What to measure beside what the data asks for: pairs of voices, all of them or a list of `trials`, with a `cohort`; other
    `tasks` than telling speakers apart."""

    verification: bool = False
    trials: tuple[Trial, ...] | None = None
    cohort: Cohort | None = None
    tasks: TaskFigures | None = None


@attrs.frozen
class Evaluation:
    """A model's figures, by the name of the data; `size` in bytes; `recipe` is what its network was made from."""

    model: str
    date: str
    closed_set: dict[str, ClosedSet]
    tasks: dict[str, dict[str, TaskAccuracy]]
    verification: dict[str, tuple[Verification, ...]]
    diarization: dict[str, Diarized]
    size: int
    recipe: dict[str, Any]
    made: dict[str, str]
    versions: dict[str, str]
    hardware: str
    run: TrainedRun | None = None
    price_per_hour: float | None = None

    @property
    def cost(self) -> float | None:
        """What the training cost, where the price is known."""
        return None if self.run is None or self.price_per_hour is None else self.run.hours * self.price_per_hour

    @property
    def criteria(self) -> tuple[Measured, ...]:
        """What was set out to be reached, and what was."""
        found = {each.criterion: each for each in _measured(self)}
        return tuple(found.get(each, Measured(each, None)) for each in CRITERIA)

    def to_json(self) -> str:
        """All figures, without the turns of the recordings and the text of the recipe's defaults."""
        return (
            json.dumps({**_plain(self), "criteria": _plain(self.criteria)}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        )


def read_test(where: Path, overrides: Sequence[str] = ()) -> Data:
    """The `[data.test]` of a recipe, or a folder of recordings with RTTM files; raises `RecipeError`, `DataError`."""
    if where.is_dir():
        recipe = recipe_from_table({"data": {"test": {"use": "rttm", "root": str(where)}}}, str(where))
    else:
        recipe = read_data_tables(where, overrides)
    if "test" not in recipe.data:
        raise RecipeError([Problem("is missing: it says what to evaluate on", "data.test", where)])
    return Data(str(where), *read_data(recipe, "test"))


def read_cohort(where: Path, overrides: Sequence[str] = ()) -> Cohort:
    """The `[data.train]` of a recipe; raises `RecipeError`."""
    recipe = read_data_tables(where, overrides)
    if "train" not in recipe.data:
        raise RecipeError([Problem("is missing: its voices are the cohort", "data.train", where)])
    return Cohort(*read_data(recipe, "train"))


def evaluate(
    model: Model,
    name: str,
    data: Sequence[Data],
    wishes: Wishes = Wishes(),
    watch: Watch = lambda what, count: lambda done: None,
) -> Evaluation:
    """Measure what each set allows: recordings are diarized where it tells who speaks when, else utterances are classified
    where the model knows their speakers. Raises `DataError` where nothing can be measured.
    """
    known: dict[str, ClosedSet] = {}
    tasks: dict[str, dict[str, TaskAccuracy]] = {}
    pairs: dict[str, tuple[Verification, ...]] = {}
    heard: dict[str, Diarized] = {}
    for each in data:
        where, parts = each.name, (model, each.dataset, each.entries)
        classified = known_entries(model, each.entries)
        if each.tells_turns:
            heard[where] = diarized(*parts, watch(where, len(recordings(each.entries))))
            continue
        answered = wishes.tasks(each.dataset, each.entries) if wishes.tasks is not None else {}
        if answered:
            tasks[where] = answered
        if not classified and not answered and not wishes.verification:
            raise DataError(f"{where}: the model knows none of its speakers: --verification compares voices of strangers")
        if classified:
            known[where] = closed_set(*parts, watch(where, len(classified)))
        if wishes.verification:
            seen = watch(f"{where}, pairs", len(each.entries))
            pairs[where] = verification(*parts, trials=wishes.trials, cohort=wishes.cohort, heard=seen)
    return Evaluation(
        name,
        datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        known,
        tasks,
        pairs,
        heard,
        size=sum((model.folder / file).stat().st_size for file in model.bundle.files if file in GRAPHS),
        recipe=model.bundle.recipe,
        made=model.bundle.made,
        versions=versions(),
        hardware=hardware(),
    )


def _measured(evaluation: Evaluation) -> Iterator[Measured]:
    """The criteria that have a value here."""
    for name, known in evaluation.closed_set.items():
        yield Measured(criteria.CPU_LATENCY, known.latency.p99, f"{name}: {known.latency}")
        if criteria.is_voxceleb2({each.speaker for each in known.confusions}):
            on = f"{name}: {known.overall.utterances} utterances of {known.overall.speakers} speakers"
            yield Measured(criteria.ACCURACY, 100 * known.overall.accuracy, on)
            yield Measured(criteria.MACRO_F1, known.overall.macro_f1, on)
    for name, heard in evaluation.diarization.items():
        hours = sum(each.seconds for each in heard.heard) / 3600
        if criteria.is_ami_test([each.uri for each in heard.heard], hours) and heard.strict.pooled.der is not None:
            yield Measured(criteria.DER, 100 * heard.strict.pooled.der, f"{name}: 16 meetings, {hours:.1f} h")
    yield Measured(criteria.SIZE, evaluation.size / 1e6, "all graphs of the model")
    if evaluation.run is not None:
        on = f"the run {evaluation.run.name}, {len(evaluation.run.epochs)} epochs"
        yield Measured(criteria.HOURS, evaluation.run.hours, on)
        if evaluation.cost is not None:
            yield Measured(criteria.COST, evaluation.cost, f"{on}, at {evaluation.price_per_hour:g} $ an hour")


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Heard):
        return {"uri": value.uri, "seconds": value.seconds, "cpu_seconds": value.cpu_seconds}
    if attrs.has(type(value)):
        fields = {field.name: _plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
        if isinstance(value, Score):
            return {"der": value.der, **fields}
        return {**fields, "status": value.status} if isinstance(value, Measured) else fields
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
