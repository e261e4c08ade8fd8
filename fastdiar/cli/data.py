"""`fastdiar data`: look at the data of a recipe, and listen to it."""

from __future__ import annotations

import json
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdiar.cli.progress import Progress
from fastdiar.cli.recipe import Overrides, RecipePath
from fastdiar.cli.tables import show

if TYPE_CHECKING:
    from fastdiar.inspection.check import Quality
    from fastdiar.inspection.statistics import Statistics

app = typer.Typer(name="data", help="Look at the data of a recipe, and listen to it.")

NAMED = 3
"""Clips that are named for each thing that is wrong, and unreadable files."""


class Part(StrEnum):
    """Which of a recipe's data tables."""

    train = "train"
    dev = "dev"
    test = "test"


OfPart = Annotated[Part, typer.Option("--split", help="Which of the recipe's data: [data.train], [data.dev] or [data.test].")]
AsJson = Annotated[bool, typer.Option("--json", help="Print figures for programs.")]


@app.command()
def check(
    recipe: RecipePath,
    count: Annotated[int, typer.Option("-n", min=1, help="How many clips.")] = 100,
    part: OfPart = Part.train,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> int:
    """Load clips as training would, and report what a person would hear; exit code 1 where too many are beyond a limit.

    Example: fastdiar data check recipes/quickstart.toml -n 100
    """
    from fastdiar.core.errors import needs
    from fastdiar.recipe import read_recipe

    checked = read_recipe(recipe, overrides or ())
    with needs("train", "fastdiar data check"):
        from fastdiar.inspection.check import check as check_data
    with Progress() as progress:
        quality = check_data(checked, part.value, count, progress)
    if as_json:
        typer.echo(json.dumps(_quality_figures(quality), indent=2))
    else:
        _print_quality(quality)
    return 1 if quality.failed else 0


@app.command()
def stats(recipe: RecipePath, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Print speakers, utterances, hours, lengths and overlap of each split; warn of what is in two. No audio is decoded.

    Example: fastdiar data stats recipes/quickstart.toml
    """
    import attrs

    from fastdiar.core.errors import Problem, RecipeError, said
    from fastdiar.inspection.statistics import in_both, statistics
    from fastdiar.recipe import read_data, read_data_tables

    tables = read_data_tables(recipe, overrides or ())
    if not tables.data:
        raise RecipeError([Problem("is missing: the recipe has no [data.train], [data.dev] or [data.test]", "data", recipe)])
    with Progress() as progress:
        data = {name: read_data(tables, name) for name in tables.data}
        found = {name: statistics(*each, told=progress) for name, each in data.items()}
    if as_json:
        typer.echo(json.dumps({name: attrs.asdict(each) for name, each in found.items()}, indent=2))
    else:
        _print_statistics(found)
    for one, other in combinations(data, 2):
        if both := in_both(data[other][1], data[one][1]):
            words = (
                f"{len(both)} of {len(data[other][1])} utterances of [data.{other}] are in [data.{one}], too, such as {both[0]}"
            )
            typer.echo(said("warning", words), err=True)


@app.command()
def listen(
    recipe: RecipePath,
    out: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write to.")],
    count: Annotated[int, typer.Option("-n", min=1, help="How many clips.")] = 8,
    part: OfPart = Part.train,
    overrides: Overrides = None,
) -> None:
    """Write clips as training hears them, each as FLAC and as a picture of its spectrum, named by its key and what was drawn.

    Example: fastdiar data listen recipes/quickstart.toml -n 8 -o heard
    """
    from fastdiar.core.errors import needs
    from fastdiar.recipe import read_recipe

    checked = read_recipe(recipe, overrides or ())
    with needs("train", "fastdiar data listen"):
        from fastdiar.inspection.examples import write_examples
    with Progress() as progress:
        written = write_examples(checked, part.value, count, out, progress)
    for name in written.names:
        typer.echo(f"{out / name}.flac")
    _name_unreadable(written.unreadable, len(written.names) + len(written.unreadable))


def _quality_figures(quality: Quality) -> dict[str, Any]:
    import numpy as np

    from fastdiar.inspection.quality import LIMITS

    figures = {}
    for name in LIMITS:
        values = quality.values[name][np.isfinite(quality.values[name])]
        quartiles = np.quantile(values, (0.05, 0.5, 0.95)).tolist() if len(values) else None
        figures[name] = {"quantiles": quartiles, "beyond": quality.beyond(name)}
    return {
        "clips": len(quality.keys),
        "unreadable": list(quality.unreadable),
        "lacking": quality.lacking,
        "measures": figures,
        "failed": quality.failed,
    }


def _print_quality(quality: Quality) -> None:
    from rich.table import Table

    from fastdiar.core.errors import said
    from fastdiar.inspection.check import MOST_BEYOND
    from fastdiar.inspection.quality import LIMITS

    measures = _quality_figures(quality)["measures"]
    table = Table("", *map(_right, ("5 %", "median", "95 %", "fine", "beyond")))
    for name, figures in measures.items():
        quantiles = ["–"] * 3 if figures["quantiles"] is None else [f"{_rounded(value):,g}" for value in figures["quantiles"]]
        heading = f"{name} ({LIMITS[name].unit})" if LIMITS[name].unit else name
        style = "bold red" if name in quality.failed else None
        table.add_row(heading, *quantiles, _range(name), str(len(figures["beyond"])), style=style)
    show(table)
    for name, figures in measures.items():
        if figures["beyond"]:
            typer.echo(f"{name}: {_plain(', '.join(figures['beyond'][:NAMED]))}{' …' if figures['beyond'][NAMED:] else ''}")
    for task, clips in quality.lacking.items():
        typer.echo(f"without a label for '{_plain(task)}': {clips} of {len(quality.keys)}")
    _name_unreadable(quality.unreadable, len(quality.keys) + len(quality.unreadable))
    beyond = [name for name in quality.failed if name in LIMITS]
    if beyond:
        typer.echo(
            said("warning", f"beyond the limit in more than {MOST_BEYOND:.0%} of the clips: {', '.join(beyond)}"), err=True
        )


def _rounded(value: float) -> float:
    """Three digits are enough, and more where they are whole."""
    return round(value) if abs(value) >= 100 else float(f"{value:.3g}")


def _range(name: str) -> str:
    """A limit in words: "4,500 …"."""
    from fastdiar.inspection.quality import LIMITS

    bounds = (LIMITS[name].lowest, LIMITS[name].highest)
    return " … ".join("" if abs(bound) == float("inf") else f"{bound:,g}" for bound in bounds).strip()


def _print_statistics(found: dict[str, Statistics]) -> None:
    from rich.table import Table

    from fastdiar.inspection.statistics import QUANTILES

    table = Table("", *map(_right, found))
    table.add_row("speakers", *(f"{each.speakers:,}" if each.speakers else "–" for each in found.values()))
    table.add_row("utterances", *(f"{each.utterances:,}" for each in found.values()))
    table.add_row("hours", *(f"{'≈ ' if each.estimated else ''}{each.hours:,.2f}" for each in found.values()))
    for place, name in enumerate(("shortest (s)", *(f"{100 * share:g} % (s)" for share in QUANTILES[1:-1]), "longest (s)")):
        table.add_row(name, *(f"{each.seconds[place]:,.1f}" if each.seconds else "–" for each in found.values()))
    table.add_row("overlap (%)", *("–" if each.overlap is None else f"{100 * each.overlap:.1f}" for each in found.values()))
    show(table)
    if any(each.estimated for each in found.values()):
        typer.echo("≈ from a sample")
    for each in found.values():
        _name_unreadable(each.unreadable, each.utterances)


def _name_unreadable(reasons: tuple[str, ...], clips: int) -> None:
    """A line for each of the first few, and how many there are."""
    from fastdiar.core.errors import said

    for reason in reasons[:NAMED]:
        typer.echo(said("warning", f"skipped {reason}"), err=True)
    if reasons:
        typer.echo(said("warning", f"{len(reasons)} of {clips} clips cannot be read"), err=True)


def _plain(text: str) -> str:
    """Text out of a file, without what could steer the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _right(name: str) -> Any:
    from rich.table import Column

    return Column(name, justify="right")
