"""Trains a recipe undisturbed, then again and again killed without warning and resumed, and compares what is left.

    python tests/training/kill_and_resume.py RECIPE FOLDER

Prints a line for each chain of kills. Processes are forked from one that has loaded everything, which makes them quick.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fastdiar.recipe import read_recipe
from fastdiar.training import checkpoint, loop, run

CHAINS, TIMED, WRITING = 4, 3, 2
"""Chains of kills, and in each so many at a random moment and so many in the middle of writing a file."""
OVERRIDES = ("trainer.epochs=4", "trainer.ema=0.9", "trainer.accumulate=2")


def main(recipe: str, folder: Path) -> None:
    """Raises `AssertionError` where a run ends otherwise than the undisturbed one."""
    checked = read_recipe(recipe, OVERRIDES)
    run.SAVE_SECONDS = 0.0  # so that it saves after each step, and many kills fall into saving

    def train(out: Path) -> None:
        loop.train(checked, out, resume=(out / checkpoint.RECIPE).is_file(), device="cpu")

    began = time.monotonic()
    assert finished(partial(train, folder / "undisturbed"))
    seconds = time.monotonic() - began
    random = np.random.default_rng(0)
    for chain in range(CHAINS):
        out = folder / f"chain-{chain}"
        kills = random.permutation([True] * TIMED + [False] * WRITING)
        for timed in kills:
            if timed:
                assert killed_after(random.uniform(0, seconds / len(kills)), partial(train, out))
            else:
                assert not finished(partial(killed_writing, random.integers(1, 5), partial(train, out)))
        assert finished(partial(train, out))
        compare(folder / "undisturbed", out)
        print(f"{out.name}: killed {len(kills)} times, the same in the end", flush=True)


def finished(work: Callable[[], None]) -> bool:
    """Do `work` in a process of its own; whether it came to its end."""
    return os.waitpid(forked(work), 0)[1] == 0


def killed_after(seconds: float, work: Callable[[], None]) -> bool:
    """Do `work` in a process of its own and kill it; whether it had not ended by then."""
    process = forked(work)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def killed_writing(call: int, work: Callable[[], None]) -> None:
    """Do `work` until it writes tensors for the `call`-th time, and die with half of them written."""
    save, calls = checkpoint.save_file, []

    def torn(tensors: Any, path: Path, metadata: Any) -> None:
        save(tensors, path, metadata=metadata)
        calls.append(path)
        if len(calls) == call:
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoint.save_file = torn
    work()


def forked(work: Callable[[], None]) -> int:
    """The number of a new process that does `work`."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            work()
            code = 0
        finally:  # whatever it was, the child must not go on as if it were the parent
            if code:
                traceback.print_exc()
            os._exit(code)
    return process


def compare(one: Path, other: Path) -> None:
    """Nothing but time taken may differ, and nothing half-written may be left."""
    assert {path.name for path in one.iterdir()} == {path.name for path in other.iterdir()}
    for path in one.glob("*.safetensors"):
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
