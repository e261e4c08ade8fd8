"""`fastdiar recipe`: look a recipe over before training it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fastdiar.recipe import Recipe

app = typer.Typer(name="recipe", help="Check or show a recipe.")

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML recipe.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a value, such as trainer.epochs=3.")]


@app.command()
def check(recipe: RecipePath, overrides: Overrides = None) -> None:
    """Report everything that is wrong with a recipe, and warn of data that is not here."""
    from fastdiar.core.errors import said
    from fastdiar.recipe import absent_data, read_recipe

    absent = absent_data(read_recipe(recipe, overrides or ()))
    for problem in absent:
        typer.echo(said("warning", str(problem)), err=True)
    typer.echo(f"{recipe}: good" + (", but not all of its data is here" if absent else ""))


@app.command()
def show(
    recipe: RecipePath,
    overrides: Overrides = None,
    cost: Annotated[bool, typer.Option("--cost", help="Add what the network costs.")] = False,
    classes: Annotated[int, typer.Option(min=1, help="Classes of each head, for --cost.")] = 5994,
) -> None:
    """Print a recipe with everything it extends and all defaults, each value with its origin.

    RECIPE may be an exported graph, which carries the recipe of its network.
    """
    from fastdiar.recipe import read_recipe

    resolved = _exported(recipe) if recipe.suffix == ".onnx" else read_recipe(recipe, overrides or ())
    figures = _cost(resolved, classes) if cost else ""
    typer.echo(resolved.to_toml(origins=True) + figures, nl=False)


@app.command()
def diff(
    one: Annotated[Path, typer.Argument(metavar="A", help="A recipe.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
) -> None:
    """Print in what two recipes differ, with all they extend and all defaults; A is -, B is +.

    Example: fastdiar recipe diff recipes/fast.toml recipes/enhanced.toml
    """
    from fastdiar.core.recipe_files import differences
    from fastdiar.core.toml_text import dumps_value

    for key, values in differences([_resolved(path).table for path in (one, other)]).items():
        for sign, value in zip("-+", values, strict=True):
            if value is not None:
                typer.echo(f"{sign} {key} = {dumps_value(value)}")


@contextmanager
def told_of_plugins(recipe: Recipe) -> Iterator[None]:
    """Below the traceback of whatever fails stands how each component of a plugin in the recipe is tried by itself."""
    from fastdiar.core.errors import FastdiarError
    from fastdiar.recipe import MANY, ONE

    try:
        yield
    except FastdiarError:
        raise
    except Exception as error:
        named = [(kind, part) for table, kind in MANY.items() for part in getattr(recipe, table).values()]
        named += [(kind, getattr(recipe, table)) for table, kind in ONE.items() if getattr(recipe, table)]
        for kind, name in dict.fromkeys((kind, part.use) for kind, part in named if "/" in part.use):
            error.add_note(f"A component of a plugin may be why. To try it: fastdiar plugins {kind} {name} --check")
        raise


def _resolved(path: Path) -> Recipe:
    """A recipe, or the one that an exported graph carries."""
    from fastdiar.recipe import read_recipe

    return _exported(path) if path.suffix == ".onnx" else read_recipe(path)


def _exported(graph: Path) -> Recipe:
    from fastdiar.core.errors import needs

    with needs("train", "reading the recipe of a graph"):
        from fastdiar.core.onnx_files import recipe_in
    from fastdiar.recipe import recipe_from_table

    return recipe_from_table(recipe_in(graph), str(graph))


def _cost(recipe: Recipe, classes: int) -> str:
    """What the network of a recipe costs, as comments, so that the whole stays a recipe."""
    from fastdiar.network import build_network, cost

    labels = {part.config.task: tuple(map(str, range(classes))) for part in recipe.head.values()}
    figures = cost(build_network(recipe, labels))
    sizes = ", ".join(f"{size / 1e6:.2f} MB as {precision}" for precision, size in figures.bytes.items())
    return (
        f"\n# {figures.parameters / 1e6:.2f} million parameters with {classes} classes"
        f"\n# {figures.macs / 1e9:.2f} GMAC for a clip of {figures.seconds:g} s, {figures.frames_per_second:g} frames a second"
        f"\n# {sizes}\n"
    )
