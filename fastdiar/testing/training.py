"""Trying a recipe: a moment of training, on whatever it listens to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

QUICK = ("trainer.epochs=1", "trainer.batch_size=4", "trainer.seconds=[0.5, 0.8]")


def try_recipe(recipe: Path, folder: Path, overrides: Sequence[str] = (), export: bool = False) -> Path:
    """Train the recipe for an epoch of short clips into `folder/run`, on the CPU, and `export` it to `folder/model`.

    `overrides` are as after `--set`, such as where its data is. Returns the folder of what came last. Raises whatever keeps
    the recipe from being read, trained or exported.
    """
    from fastdiar.recipe import read_recipe
    from fastdiar.training.export import export_run
    from fastdiar.training.loop import train

    train(read_recipe(recipe, [*QUICK, *overrides]), folder / "run", device="cpu")
    if not export:
        return folder / "run"
    export_run(folder / "run", folder / "model")
    return folder / "model"
