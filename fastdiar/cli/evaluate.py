"""`fastdiar evaluate`: how well a model knows its speakers, tells strangers apart, and diarizes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdiar.cli.outputs import file_to_write, page_to_write
from fastdiar.cli.progress import bars
from fastdiar.cli.recipe import Overrides
from fastdiar.cli.tables import percent, row, show, table

if TYPE_CHECKING:
    from fastdiar.evaluation.evaluation import Evaluation
    from fastdiar.evaluation.intervals import Interval
    from fastdiar.evaluation.tasks import TaskFigures


def evaluate(
    model: Annotated[str, typer.Argument(metavar="RUN|BUNDLE", help="A run, a model's folder, or a model that ships, by name.")],
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="RECIPE|FOLDER", help="What to hear: the [data.test] of a recipe, or a folder of recordings with RTTM files."
        ),
    ],
    overrides: Overrides = None,
    verification: Annotated[bool, typer.Option("--verification", help="Compare pairs of voices, too: EER and minDCF.")] = False,
    trials: Annotated[Path | None, typer.Option(metavar="FILE", help="The pairs to compare: lines such as 1 path path.")] = None,
    cohort: Annotated[
        Path | None, typer.Option(metavar="RECIPE", help="Normalise scores by the voices of its [data.train] (AS-norm).")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Cores to use.")] = 1,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", callback=page_to_write, help="Write a page with figures and pictures.")
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", callback=file_to_write, help="Write figures for programs; - prints nothing else."),
    ] = None,
    price_per_hour: Annotated[float | None, typer.Option(min=0, help="What an hour of training cost, for the report.")] = None,
) -> None:
    """Measure how well a model does on the data given.

    Where it tells who speaks when, recordings are diarized: error rates with their parts. Otherwise utterances are classified:
    accuracy, F1 and latency. One clip at a time.

    Example: fastdiar evaluate quality --data meetings/ --report quality.html
    """
    from fastdiar.core.errors import needs
    from fastdiar.core.files import write_text

    if report is not None:
        with needs("report", "--report"):
            from fastdiar.evaluation.report.page import page
    found = _evaluation(model, data, overrides or (), verification, trials, cohort, threads, price_per_hour)
    if json is not None and str(json) != "-":
        write_text(json, found.to_json())
    if report is not None:
        write_text(report, page(found))
    if str(json) == "-":
        typer.echo(found.to_json(), nl=False)
    else:
        _print(found)


def _evaluation(
    model: str,
    data: list[Path],
    overrides: Any,
    verification: bool,
    trials: Path | None,
    cohort: Path | None,
    threads: int,
    price_per_hour: float | None,
) -> Evaluation:
    import attrs

    from fastdiar.core.errors import FastdiarError
    from fastdiar.core.formats import read_trials
    from fastdiar.diarization.model import Model, find_model
    from fastdiar.evaluation.evaluation import Wishes, read_cohort, read_test
    from fastdiar.evaluation.evaluation import evaluate as measure
    from fastdiar.evaluation.runs import is_run, read_run

    folder = find_model(model)
    sets = [read_test(each, overrides) for each in data]
    wishes = Wishes(
        verification=verification or trials is not None or cohort is not None,
        trials=None if trials is None else tuple(read_trials(trials)),
        cohort=None if cohort is None else read_cohort(cohort, overrides),
        tasks=_tasks(folder) if is_run(folder) else None,
    )
    if wishes.verification and all(each.tells_turns for each in sets):
        raise FastdiarError("--verification, --trials and --cohort compare utterances, and all data here tells who speaks when")
    with _bundle(folder) as bundle, bars() as watch:
        found = measure(Model(bundle, threads), folder.resolve().name, sets, wishes, watch)
    return attrs.evolve(found, run=read_run(folder) if is_run(folder) else None, price_per_hour=price_per_hour)


def _tasks(run: Path) -> TaskFigures:
    """What a run's heads know beside speakers."""
    from fastdiar.core.errors import needs

    with needs("train", "evaluating a run"):
        from fastdiar.training.checkpoint import load_run
        from fastdiar.training.tasks import task_accuracies
    return partial(task_accuracies, load_run(run))


@contextmanager
def _bundle(folder: Path) -> Iterator[Path]:
    """The model's folder; a run is exported for the while."""
    from fastdiar.core.bundle import MANIFEST
    from fastdiar.core.errors import needs
    from fastdiar.evaluation.runs import is_run

    if (folder / MANIFEST).is_file() or not is_run(folder):
        yield folder
        return
    with needs("train", "evaluating a run"):
        from fastdiar.training.export import export_run
    with tempfile.TemporaryDirectory() as place:
        export_run(folder, Path(place) / folder.resolve().name)
        yield Path(place) / folder.resolve().name


def _print(found: Evaluation) -> None:
    for tables in (_closed_set, _tasks_told, _verification, _diarization):
        for lines, notes in tables(found):
            show(lines)
            for note in notes:
                typer.echo(note)


def _closed_set(found: Evaluation) -> Iterator[tuple[Any, list[str]]]:
    for name, known in found.closed_set.items():
        lines = table(name, "corpus", "speakers", "utterances", "accuracy %", "95 %", "macro F1")
        for corpus, figures in {**known.corpora, "all": known.overall}.items():
            counts = (str(figures.speakers), str(figures.utterances))
            row(lines, corpus, *counts, f"{100 * figures.accuracy:.1f}", _between(figures.interval), f"{figures.macro_f1:.3f}")
        notes = [f"latency a clip: {known.latency}"]
        if known.unknown or known.unreadable:
            notes.append(f"not counted: {known.unknown} of speakers that the model does not know, {known.unreadable} unreadable")
        yield lines, notes


def _tasks_told(found: Evaluation) -> Iterator[tuple[Any, list[str]]]:
    for name, tasks in found.tasks.items():
        lines = table(name, "task", "classes", "utterances", "accuracy %", "always the commonest %", "macro F1")
        for task, figures in tasks.items():
            counts = (str(figures.classes), str(figures.utterances))
            row(lines, task, *counts, percent(figures.accuracy), percent(figures.likeliest), f"{figures.macro_f1:.3f}")
        yield lines, []


def _verification(found: Evaluation) -> Iterator[tuple[Any, list[str]]]:
    for name, results in found.verification.items():
        lines = table(name, "corpus", "clip", "scores", "speakers", "EER %", "95 %", "DCF .01", "DCF .05")
        for each in results:
            clip = "all" if each.seconds is None else f"{each.seconds:g} s"
            errors = (percent(each.eer), _between(each.interval), f"{each.min_dcf_01:.3f}", f"{each.min_dcf_05:.3f}")
            row(lines, each.corpus or "all", clip, each.scores, str(each.speakers), *errors)
        yield lines, []


def _diarization(found: Evaluation) -> Iterator[tuple[Any, list[str]]]:
    for name, heard in found.diarization.items():
        lines = table(name, "speech", "overlap", "collar", "DER %", "95 %", "missed", "false", "confused", "JER %")
        for each in heard.results:
            everything, conditions = each.pooled, each.conditions
            parts = (everything.missed, everything.false_alarm, everything.confusion)
            kind = ("oracle" if each.oracle else "found", "left out" if conditions.skip_overlap else "scored")
            shares = [percent(part / everything.speech if everything.speech else None) for part in parts]
            rates = (percent(everything.der), _between(each.der_interval), *shares, percent(everything.jer))
            row(lines, *kind, f"±{conditions.collar / 2:g} s", *rates)
        minutes = sum(each.seconds for each in heard.heard) / 60
        count = f"right number of people in {percent(heard.right_count)} % of files ({_between(heard.right_count_interval)})"
        speed = f"{heard.real_time_factor:.3f} CPU s per s of sound"
        files = "1 file" if len(heard.heard) == 1 else f"{len(heard.heard)} files"
        notes = [f"{files}, {minutes:.0f} min; {count}; {speed}"]
        yield lines, notes + [f"unreadable: {reason}" for reason in heard.unreadable]


def _between(interval: Interval | None) -> str:
    return "-" if interval is None else f"{100 * interval.low:.1f}–{100 * interval.high:.1f}"
