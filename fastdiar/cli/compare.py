"""`fastdiar compare`: runs side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdiar.cli.tables import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastdiar.evaluation.runs import TrainedRun


def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Folders of runs, as fastdiar train writes them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print figures for programs.")] = False,
) -> None:
    """Put runs side by side.

    Their best epochs' figures, and the keys of their recipes that differ.

    Example: fastdiar compare runs/student runs/alone
    """
    from fastdiar.core.recipe_files import differences
    from fastdiar.evaluation.runs import read_run

    runs = [read_run(folder) for folder in folders]
    figures, differing = _figures(runs), differences([run.recipe for run in runs])
    if as_json:
        typer.echo(json.dumps({"runs": [str(folder) for folder in folders], "figures": figures, "recipe": differing}, indent=2))
    else:
        _print(list(map(str, folders)), figures, differing)


def _figures(runs: Sequence[TrainedRun]) -> dict[str, list[float | None]]:
    """Each figure in every run: how long it was trained, then what the log says of its best epoch."""
    names = dict.fromkeys(name for run in runs for name in run.best if name in ("epoch", "loss") or "." in name)
    best = {"best epoch" if name == "epoch" else name: [run.best.get(name) for run in runs] for name in names}
    return {"epochs": [len(run.epochs) for run in runs], "hours": [round(run.hours, 3) for run in runs], **best}


def _print(names: Sequence[str], figures: dict[str, list[float | None]], differing: dict[str, list[Any]]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    for name in names:
        table.add_column(escape(name), justify="right", overflow="fold")
    for name, values in figures.items():
        table.add_row(escape(name), *("-" if value is None else escape(_shown(value)) for value in values))
    table.add_section()
    for key, values in differing.items():
        table.add_row(escape(key), *("-" if value is None else escape(str(value)) for value in values))
    show(table)
    if len(names) > 1 and not differing:
        typer.echo("their recipes are the same")


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)
