"""`fastdiar tune`: settings of a model's walk and clustering, chosen on recordings whose turns are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdiar.cli.outputs import file_to_write, write
from fastdiar.cli.progress import bars
from fastdiar.cli.recipe import Overrides
from fastdiar.cli.tables import percent, row, show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastdiar.evaluation.tuning import Remembered, Trial, Tuned, Values


def tune(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's folder, or a model that ships, by name.")],
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="RECIPE|FOLDER", help="A set to choose on: the [data.test] of a recipe, or recordings with RTTM files."
        ),
    ],
    key: Annotated[
        list[str],
        typer.Option(
            metavar="KEY=VALUE,…", help="Values to try, such as cluster.same=0.7,0.8 or speech=0.4,0.5; one value is set."
        ),
    ],
    overrides: Overrides = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.toml", callback=file_to_write, help="Write the best [diarization] there."),
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", callback=file_to_write, help="Write every trial's figures.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Cores to use.")] = 1,
) -> None:
    """Choose settings of [diarization] on recordings with references.

    Each recording is heard once; then one key after another takes its best value, until nothing changes. What counts is DER
    (collar 0, overlap scored), pooled in each set and averaged over the sets. The model stays as it is.

    Example: fastdiar tune quality --data calls --data meetings --key cluster.same=0.72,0.76,0.8 -o settings.toml
    """
    from fastdiar.core.toml_text import dumps
    from fastdiar.diarization.model import Model, find_model
    from fastdiar.evaluation.evaluation import read_test
    from fastdiar.evaluation.tuning import check, remember
    from fastdiar.evaluation.tuning import tune as choose

    choices = dict(_choices(text) for text in key)
    loaded = Model(find_model(model), threads)
    check(loaded, choices)
    sets = [read_test(each, overrides or ()) for each in data]
    with bars() as watch:
        heard = remember(loaded, sets, watch)
    tuned = choose(loaded, heard, choices)
    if output is not None:
        write(output, dumps({"diarization": tuned.table}))
    if as_json is not None:
        write(as_json, json.dumps(_figures(tuned), indent=2, ensure_ascii=False) + "\n")
    _print(tuned, heard)


def _choices(text: str) -> tuple[str, list[Any]]:
    """A key, and the values to try."""
    from fastdiar.core.errors import FastdiarError
    from fastdiar.core.recipe_files import written

    name, _, values = text.partition("=")
    if not name or not values:
        raise FastdiarError(f"--key {text}: expected a key and values to try, such as cluster.same=0.7,0.8")
    return name.strip(), [written(value.strip()) for value in values.split(",")]


def _figures(tuned: Tuned) -> dict[str, Any]:
    import attrs

    def figures(trial: Trial) -> dict[str, Any]:
        sets = {
            name: {"der": score.der, "right_count": trial.right_count[name], **attrs.asdict(score)}
            for name, score in trial.scores.items()
        }
        return {"values": trial.values, "mean_der": trial.mean(), "sets": sets}

    return {
        "conditions": "collar 0 s, overlap scored; DER pooled in each set, averaged over sets",
        "own": figures(tuned.own),
        "best": figures(tuned.best),
        "left_out": [{"set": each.name, "chosen_without_it": figures(each.chosen)} for each in tuned.left_out],
        "trials": [figures(trial) for trial in tuned.trials],
        "diarization": tuned.table,
    }


def _print(tuned: Tuned, heard: Sequence[Remembered]) -> None:
    from rich.markup import escape

    names = [each.name for each in heard]
    trials = table("DER % (collar 0, overlap scored), right number of people %", "settings", "mean", *names)
    for trial in sorted(tuned.trials, key=lambda trial: trial.mean()):
        mark = " (chosen)" if trial is tuned.best else ""
        figures = (f"{percent(trial.scores[name].der)}, {percent(trial.right_count[name])}" for name in names)
        row(trials, f"{_said(trial.values)}{mark}", percent(trial.mean()), *figures)
    show(trials)
    if tuned.left_out:
        without = table("chosen without one set: DER % of that set", "left out", "settings", "with them", "the model's own")
        for each in tuned.left_out:
            rates = (percent(trial.scores[each.name].der) for trial in (each.chosen, tuned.own))
            row(without, each.name, escape(_said(each.chosen.values)), *rates)
        show(without)
    for reason in (reason for each in heard for reason in each.unreadable):
        typer.echo(f"unreadable: {reason}")


def _said(values: Values) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items()) or "the model's own"
