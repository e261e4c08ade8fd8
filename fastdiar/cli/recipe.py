"""`fastdiar recipe`: look a recipe over before training it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(name="recipe", help="Check or show a recipe.")

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML recipe.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a value, such as trainer.epochs=3.")]


@app.command()
def check(recipe: RecipePath, overrides: Overrides = None) -> None:
    """Report everything that is wrong with a recipe."""
    from fastdiar.recipe import read_recipe

    read_recipe(recipe, overrides or ())
    typer.echo(f"{recipe}: good")


@app.command()
def show(
    recipe: RecipePath,
    overrides: Overrides = None,
    cost: Annotated[bool, typer.Option("--cost", help="Add what the network costs.")] = False,
    classes: Annotated[int, typer.Option(min=1, help="Classes of each head, for --cost.")] = 5994,
) -> None:
    """Print a recipe with everything it extends and all defaults, each value with its origin."""
    from fastdiar.recipe import read_recipe

    resolved = read_recipe(recipe, overrides or ())
    typer.echo(resolved.to_toml(origins=True), nl=False)
    if cost:
        from fastdiar.network import build_network
        from fastdiar.network import cost as cost_of

        labels = {part.config.task: tuple(map(str, range(classes))) for part in resolved.head.values()}
        figures = cost_of(build_network(resolved, labels))
        typer.echo(f"\n# {figures}")
