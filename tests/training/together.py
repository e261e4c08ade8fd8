"""Takes steps of a recipe in one process, then in two that train together, and compares them.

    python tests/training/together.py RECIPE FOLDER

The two are forked from one that has loaded everything, with the environment that `torchrun` would give them.
"""

from __future__ import annotations

import os
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from fastdiar.core.types import Batch
from fastdiar.plugins.augmentations.add_noise import AddNoise
from fastdiar.recipe import read_recipe
from fastdiar.training import loop
from fastdiar.training.run import Run

PORT = 29_400 + os.getpid() % 1_000
SAME_DRAWS = ("head.speaker.dropout=0.0", "augment.noise.probability=0.0")


def main(recipe: str, folder: Path) -> None:
    """Raises `AssertionError` where two processes learn something else than one, or differ from each other."""
    alone = partial(train, recipe, ("trainer.batch_size=8", *SAME_DRAWS), folder / "alone", quiet_norms=True)
    assert in_processes(1, alone)
    both = partial(train, recipe, ("trainer.batch_size=4", *SAME_DRAWS), folder / "both", quiet_norms=True)
    assert in_processes(2, both)
    compare(folder / "alone-0.pt", folder / "both-0.pt", gradients=True)
    compare(folder / "both-0.pt", folder / "both-1.pt")
    print("two processes learn what one does with a batch of twice the size")
    assert in_processes(
        2,
        partial(train, recipe, ("trainer.batch_size=2", "trainer.ema=0.9", "trainer.accumulate=2"), folder / "norms", skip=True),
    )
    compare(folder / "norms-0.pt", folder / "norms-1.pt")
    print("with batch norms, averages, parts and a step that came to nothing they agree with each other")


def train(recipe: str, overrides: tuple[str, ...], out: Path, quiet_norms: bool = False, skip: bool = False) -> None:
    """Train, and write the weights at the end and the first step's gradients."""
    gradients: dict[str, torch.Tensor] = {}
    close, step = Run.close_epoch, torch.optim.AdamW.step

    def stepping(self: torch.optim.AdamW, *args: Any, **kwargs: Any) -> Any:
        for number, parameter in enumerate(self.param_groups[0]["params"]):
            gradients.setdefault(str(number), parameter.grad.clone())
        return step(self, *args, **kwargs)

    def closing(self: Run) -> Any:
        line = close(self)
        assert line["skipped_steps"] == (1 if skip and line["epoch"] == 1 else 0)
        kept = self.objective.state_dict() | {f"kept.{name}": tensor for name, tensor in self.network.state_dict().items()}
        torch.save({"weights": kept, "gradients": gradients, "line": untimed(line)}, f"{out}-{self.fabric.global_rank}.pt")
        return line

    torch.optim.AdamW.step, Run.close_epoch = stepping, closing
    if quiet_norms:
        _BatchNorm.train = lambda self, mode=True: torch.nn.Module.train(self, False)
    if skip and os.environ["RANK"] == "1":
        poison(second=2)
    loop.train(read_recipe(recipe, overrides), out, device="cpu")


def poison(second: int) -> None:
    """Make one batch of this process no numbers."""
    augment, calls = AddNoise.__call__, []

    def poisoned(self: AddNoise, batch: Batch, generator: torch.Generator) -> Batch:
        calls.append(1)
        batch = augment(self, batch, generator)
        if len(calls) == second:
            batch.waveform.fill_(float("nan"))
        return batch

    AddNoise.__call__ = poisoned


def in_processes(count: int, work: Any) -> bool:
    """Do `work` in so many processes, each with its rank; whether all came to their end."""
    children = []
    for rank in range(count):
        process = os.fork()
        if process == 0:
            code = 1
            try:
                together = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
                os.environ.update({name: str(value) for name, value in together.items()})
                if count > 1:
                    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(PORT), TORCHELASTIC_RUN_ID="test")
                work()
                code = 0
            finally:
                if code:
                    traceback.print_exc()
                os._exit(code)
        children.append(process)
    return all(os.waitpid(child, 0)[1] == 0 for child in children)


def untimed(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if not name.endswith("seconds")}


def compare(one: Path, other: Path, gradients: bool = False) -> None:
    """Gradients up to the order of sums, as optimisers make much of tiny differences; else all to the last bit."""
    first, second = (torch.load(path, weights_only=True) for path in (one, other))
    if gradients:
        assert first["gradients"]
        for name, tensor in first["gradients"].items():
            torch.testing.assert_close(second["gradients"][name], tensor, rtol=1e-3, atol=1e-5)
        return
    assert first["line"] == second["line"]
    for name, tensor in first["weights"].items():
        assert torch.equal(second["weights"][name], tensor), name


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
