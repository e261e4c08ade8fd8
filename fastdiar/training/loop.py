"""Training: from a recipe to a run's folder."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from lightning_fabric.utilities.exceptions import MisconfigurationException

from fastdiar.core.errors import TrainingError
from fastdiar.core.toml_text import dumps_value
from fastdiar.recipe import Recipe
from fastdiar.training import checkpoint
from fastdiar.training.checkpoint import LABELS, LAST, Progress
from fastdiar.training.data import Corpus, read_corpus
from fastdiar.training.display import Display
from fastdiar.training.run import Run


def train(
    recipe: Recipe, out: Path, resume: bool = False, device: str = "auto", devices: int = 1, tensorboard: bool = False
) -> Progress:
    """Train the recipe's network into the folder `out`; with `resume`, go on with the run that is there.

    An interrupted run is saved after its current step and, resumed, comes to the same numbers as one that was left alone.
    Raises `TrainingError` where the folder holds another run, the device is not there or there is nothing to learn,
    `RecipeError` where a part does not fit or its data cannot be read.
    """
    _check_folder(out, recipe, resume)
    fabric = _fabric(recipe, device, devices)
    corpus = read_corpus(recipe)
    _check_labels(out, corpus)
    fabric.launch()
    run = Run(recipe, corpus, fabric, out, tensorboard)
    if fabric.is_global_zero:
        checkpoint.sweep(out)
    if fabric.broadcast((out / LAST).is_file()):
        run.restore()
    else:
        if fabric.is_global_zero:
            checkpoint.begin(out, recipe, corpus.labels)
        run.begin()
    with Display(run, shown=fabric.is_global_zero) as display, _stopped_by_signal() as stopped:
        while not run.finished:
            for loaded in run.batches():
                display.step(loaded, run.learn(loaded))
                if not run.everywhere(not stopped):
                    run.save()
                    raise KeyboardInterrupt
            display.epoch(run.close_epoch())
    return run.progress


def _check_folder(out: Path, recipe: Recipe, resume: bool) -> None:
    """Nothing is overwritten, nothing goes on as another run than it began, and a new folder can be written to."""
    if not resume:
        if out.is_dir() and any(not path.name.startswith(".") for path in out.iterdir()):
            raise TrainingError(f"{out}: is not empty: continue the run in it with --resume, or choose another folder with --out")
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"--out {out}: cannot be a folder to write to: {error.strerror}") from None
        return
    before = checkpoint.read_run_recipe(out).table
    changed = sorted(_differences(before, recipe.table))
    if changed:
        raise TrainingError(
            f"{out}: its run was begun with another recipe: {'; '.join(changed)}: set them back, or start anew with another --out"
        )


def _check_labels(out: Path, corpus: Corpus) -> None:
    """A network's outputs are the classes that its run began with."""
    if (out / LABELS).is_file() and checkpoint.read_labels(out) != corpus.labels:
        raise TrainingError(f"{out}: the training data has other {' and '.join(corpus.labels)} labels than when its run began")


def _differences(before: object, now: object, key: str = "") -> Iterator[str]:
    """Keys whose values differ, with both values, but for those that change nothing in the result."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in before.keys() | now.keys():
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}" if key else name)
    elif before != now and key != "trainer.workers":
        yield f"{key}: was {_shown(before)}, is {_shown(now)}"


def _shown(value: object) -> str:
    return "absent" if value is None else "a table" if isinstance(value, dict) else dumps_value(value)


def _fabric(recipe: Recipe, device: str, devices: int) -> Fabric:
    """The devices asked for; under `torchrun`, as many as it has started processes, on as many nodes."""
    nodes = 1
    if torch.distributed.is_torchelastic_launched():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    # A batch need not reach every head: a task's labels may be unknown.
    together = DDPStrategy(find_unused_parameters=True) if devices * nodes > 1 else "auto"
    try:
        return Fabric(accelerator=device, strategy=together, devices=devices, num_nodes=nodes, precision=recipe.trainer.precision)
    except (RuntimeError, MisconfigurationException):
        asked = f"--device {device}" + (f" --devices {devices}" if devices > 1 else "")
        raise TrainingError(f"{asked}: not available here: choose another, such as --device cpu") from None


@contextmanager
def _stopped_by_signal() -> Iterator[list[int]]:
    """A list that stays empty until the person or the system asks to stop; a second Ctrl-C does not wait for the step."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
