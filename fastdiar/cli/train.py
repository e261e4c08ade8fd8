"""`fastdiar train`: a recipe in, a run's folder out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fastdiar.cli.recipe import Overrides, RecipePath, told_of_plugins


class Device(StrEnum):
    """What the network is trained on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


def train(
    recipe: RecipePath,
    out: Annotated[Path, typer.Option("--out", help="The run's folder: new, or with --resume the one to go on with.")],
    overrides: Overrides = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in OUT stopped.")] = False,
    device: Annotated[Device, typer.Option(help="What to train on; auto is the fastest there is.")] = Device.auto,
    devices: Annotated[int, typer.Option(min=1, help="How many of them; several train together (DDP).")] = 1,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Draw curves in OUT/tensorboard.")] = False,
) -> None:
    """Train a network from a recipe. Ctrl-C stops and saves; --resume goes on.

    Example: fastdiar train recipes/quickstart.toml --out runs/quickstart

    With torchrun on several devices or machines: torchrun --nproc-per-node 2 -m fastdiar train RECIPE --out OUT
    """
    from fastdiar.core.errors import needs
    from fastdiar.recipe import read_recipe

    checked = read_recipe(recipe, overrides or ())
    with needs("train", "training"):
        from lightning_fabric.utilities.rank_zero import rank_zero_only

        from fastdiar.training.loop import train as train_network
    with told_of_plugins(checked):
        progress = train_network(checked, out, resume, device.value, devices, tensorboard)
    if rank_zero_only.rank:
        return
    epochs = "1 epoch" if progress.epoch == 1 else f"{progress.epoch} epochs"
    patience = f" ({checked.trainer.patience} brought nothing better)" if progress.epoch < checked.trainer.epochs else ""
    typer.echo(f"{out}: {epochs}, the best was {progress.best_epoch}{patience}")
