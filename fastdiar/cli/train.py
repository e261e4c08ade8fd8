"""`fastdiar train`: a recipe in, a run's folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastdiar.cli.recipe import Overrides, RecipePath


def train(
    recipe: RecipePath,
    out: Annotated[Path, typer.Option("--out", help="The run's folder: new, or with --resume the one to go on with.")],
    overrides: Overrides = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in OUT stopped.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="How many of them; several train together (DDP).")] = 1,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Draw curves in OUT/tensorboard.")] = False,
) -> None:
    """Train a network from a recipe. Ctrl-C stops and saves; --resume goes on.

    Example: fastdiar train recipes/quickstart.toml --out runs/quickstart
    """
    from fastdiar.core.errors import needs
    from fastdiar.recipe import read_recipe

    checked = read_recipe(recipe, overrides or ())
    with needs("train", "training"):
        from fastdiar.training.loop import train as train_network
    progress = train_network(checked, out, resume, device, devices, tensorboard)
    typer.echo(f"{out}: {progress.epoch} epochs, the best was {progress.best_epoch}")
