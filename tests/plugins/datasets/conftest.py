"""A tiny network that learns for one epoch from whatever corpus a test has made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.testing import voice

PITCHES = (90, 130, 180, 240)


@pytest.fixture
def speak() -> Callable[..., np.ndarray]:
    """Person number `person` speaking for `seconds`, float32 `[samples]` at 16 kHz; `take` makes it another utterance."""

    def speak(person: int, seconds: float, take: int = 0) -> np.ndarray:
        return voice(PITCHES[person % len(PITCHES)], seconds, np.random.default_rng((person, take)))

    return speak


@pytest.fixture
def say(speak: Callable[..., np.ndarray]) -> Callable[..., None]:
    """Writes an utterance to a file of any format that libsndfile knows."""

    def say(path: Path, person: int, seconds: float = 1.0, take: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, speak(person, seconds, take), 16_000)

    return say


@pytest.fixture
def epoch(tmp_path: Path, small_recipe: Path) -> Callable[..., dict[str, Any]]:
    """Trains a tiny network for one epoch on the tables of a recipe; gives the last line of the run's log.

    It tells speakers apart unless `drop` leaves its head and loss out.
    """
    pytest.importorskip("torch")

    def epoch(tables: str, drop: tuple[str, ...] = ()) -> dict[str, Any]:
        from fastdiar.recipe import read_recipe
        from fastdiar.training.loop import train

        recipe = tmp_path / "epoch.toml"
        recipe.write_text(f'extends = "{small_recipe.as_posix()}"\ndrop = {json.dumps(["data", "augment", *drop])}\n{tables}')
        train(read_recipe(recipe, ["trainer.epochs=1"]), tmp_path / "run", device="cpu")
        return json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])

    return epoch
