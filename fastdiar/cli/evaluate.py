"""`fastdiar evaluate`: how well a model knows its speakers, or tells strangers apart."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdiar.cli.recipe import Overrides

if TYPE_CHECKING:
    from fastdiar.evaluation.closed_set import ClosedSet
    from fastdiar.evaluation.verification import Verification


def evaluate(
    model: Annotated[str, typer.Argument(metavar="RUN|BUNDLE", help="A run, a model's folder, or a model that ships, by name.")],
    data: Annotated[Path, typer.Option(metavar="RECIPE", help="The recipe whose [data.test] is heard.")],
    overrides: Overrides = None,
    verification: Annotated[bool, typer.Option("--verification", help="Equal error rate on pairs of 2 s clips instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures for programs.")] = False,
) -> None:
    """Measure how well a model knows its speakers.

    Closed-set accuracy, macro F1 and latency on the test data of a recipe; one thread, one clip at a time.

    Example: fastdiar evaluate runs/quickstart --data recipes/quickstart.toml
    """
    import attrs

    from fastdiar.core.errors import Problem, RecipeError
    from fastdiar.diarization.model import Model
    from fastdiar.evaluation.closed_set import closed_set
    from fastdiar.evaluation.verification import verification as verify
    from fastdiar.recipe import read_data, read_recipe

    recipe = read_recipe(data, overrides or ())
    if "test" not in recipe.data:
        raise RecipeError([Problem("is missing: it says what to evaluate on", "data.test", data)])
    dataset, entries = read_data(recipe, "test")
    with _bundle(model) as folder, _bar(len(entries)) as heard:
        found: Any = (verify if verification else closed_set)(Model(folder), dataset, entries, heard=heard)
    if as_json:
        figures = {name: attrs.asdict(each) for name, each in found.items()} if verification else attrs.asdict(found)
        typer.echo(json.dumps({"model": model, "data": str(data), **figures}, indent=2))
    elif verification:
        _print_verification(found)
    else:
        _print_closed_set(found)


@contextmanager
def _bundle(model: str) -> Iterator[Path]:
    """The model's folder; a run is exported for the while."""
    from fastdiar.core.bundle import MANIFEST
    from fastdiar.core.errors import needs
    from fastdiar.diarization.model import find_model

    folder = find_model(model)
    if (folder / MANIFEST).is_file() or not (folder / "recipe.toml").is_file():
        yield folder
        return
    with needs("train", "evaluating a run"):
        from fastdiar.training.export import export_run
    with tempfile.TemporaryDirectory() as place:
        export_run(folder, Path(place) / folder.resolve().name)
        yield Path(place) / folder.resolve().name


@contextmanager
def _bar(total: int) -> Iterator[Any]:
    """What tells a bar on standard error how many utterances are done; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("utterances", total=total)
        yield lambda done: progress.update(task, completed=done)


def _print_closed_set(found: ClosedSet) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("corpus", *(_right(name) for name in ("speakers", "utterances", "accuracy %", "macro F1")))
    for name, figures in {**found.corpora, "all": found.overall}.items():
        counts = (str(figures.speakers), str(figures.utterances))
        table.add_row(name, *counts, f"{100 * figures.accuracy:.1f}", f"{figures.macro_f1:.3f}")
    Console().print(table)
    latency = found.latency
    typer.echo(
        f"latency a clip: P50 {latency.p50:.2f} ms, P99 {latency.p99:.2f} ms "
        f"(batch 1, {latency.threads} thread, onnxruntime on the CPU; whole utterances, median {latency.clip_seconds:.1f} s)"
    )
    if found.unknown or found.unreadable:
        typer.echo(f"not counted: {found.unknown} of speakers that the model does not know, {found.unreadable} unreadable")


def _print_verification(found: dict[str, Verification]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("corpus", *(_right(name) for name in ("speakers", "same", "different", "EER %")))
    for name, figures in found.items():
        table.add_row(name or "all", str(figures.speakers), str(figures.same), str(figures.different), f"{100 * figures.eer:.1f}")
    Console().print(table)


def _right(name: str) -> Any:
    from rich.table import Column

    return Column(name, justify="right")
