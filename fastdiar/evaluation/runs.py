"""What a training run left behind, read without torch: its recipe, the figures of its epochs, how long it took."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from fastdiar.core.errors import TrainingError
from fastdiar.core.recipe_files import read_source

RECIPE, LOG = "recipe.toml", "log.jsonl"
LARGEST_LOG = 64 << 20
"""Bytes; a log of ten thousand epochs is far smaller."""


@attrs.frozen
class TrainedRun:
    """A run's folder by its `name`: the resolved recipe's table and a line of figures for each epoch."""

    name: str
    recipe: dict[str, Any]
    epochs: tuple[dict[str, Any], ...]

    @property
    def hours(self) -> float:
        """Of training and validation, over all epochs."""
        return sum(line.get("seconds", 0) for line in self.epochs) / 3600

    @property
    def device(self) -> str:
        """What it was trained on; "" where the log does not tell."""
        return ", ".join(dict.fromkeys(str(line["device"]) for line in self.epochs if line.get("device")))

    @property
    def best(self) -> dict[str, Any]:
        """The line of the best epoch so far; empty before the first."""
        return next((line for line in reversed(self.epochs) if line.get("best")), {})


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run."""
    return (folder / RECIPE).is_file()


def read_run(folder: Path) -> TrainedRun:
    """Read a run's recipe and log; raises `TrainingError`, and `RecipeError` where the recipe is not TOML."""
    if not is_run(folder):
        raise TrainingError(f"{folder}: holds no run: no {RECIPE} in it")
    return TrainedRun(folder.resolve().name, read_source(folder / RECIPE).table, tuple(_lines(folder / LOG)))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    if path.stat().st_size > LARGEST_LOG:
        raise TrainingError(f"{path}: larger than {LARGEST_LOG >> 20} MiB: not the log of a run")
    for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not (
            isinstance(line, dict) and "epoch" in line and all(_is_number(line.get(name, 0)) for name in ("epoch", "seconds"))
        ):
            raise TrainingError(f"{path}:{number}: expected an epoch's figures as JSON")
        yield line


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
