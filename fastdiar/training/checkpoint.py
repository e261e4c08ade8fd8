"""A run on disk: safetensors and JSON, nothing that could run code, and never half of a file.

`recipe.toml`          the resolved recipe
`labels.json`          each task's classes, in the order of the network's outputs
`first.safetensors`    the network before its first step
`best.safetensors`     the network that validated best
`epoch-005.safetensors`, …   the network after every so many epochs
`last.safetensors`     everything needed to go on: network, its average, losses and optimiser, with the progress as JSON in its
                       header, so that the two can never disagree
`log.jsonl`            a line of figures for each epoch
`probes.safetensors`   classifiers that were fitted to teachers without classes
`unreadable.txt`       where there were too many: the recordings that could not be read, and why
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from fastdiar.core.errors import TrainingError
from fastdiar.core.files import replacing, write_text
from fastdiar.evaluation.runs import LOG, RECIPE, is_run
from fastdiar.network import Network, build_network
from fastdiar.recipe import Recipe, read_recipe

LABELS, FIRST, BEST, LAST = "labels.json", "first.safetensors", "best.safetensors", "last.safetensors"
PROBES = "probes.safetensors"
UNREADABLE = "unreadable.txt"
OPTIMIZER = "optimizer."


@attrs.define
class Progress:
    """How far a run is: `step` steps of `epoch` are done. `halvings` is how often the learning rate was cut by half because
    the loss was no number; `sums`, `skipped` and `unreadable` are what the epoch has summed up so far; `scaler` is the state of
    the gradient scaler of 16-mixed."""

    epoch: int = 0
    step: int = 0
    best: float | None = None
    best_epoch: int = 0
    sums: dict[str, list[float]] = attrs.Factory(dict)
    skipped: int = 0
    unreadable: int = 0
    halvings: int = 0
    scaler: dict[str, float] = attrs.Factory(dict)


def load_run(folder: Path, checkpoint: str = BEST, learnt: float = 1.0) -> Network:
    """The trained network of a run, in eval mode on the CPU; raises `TrainingError`.

    `learnt`, 0 to 1, is how far its weights go from those before the first step to those of `checkpoint`: what a network that
    began with good weights hears better after training on one kind of recording, it may hear worse on others, and between the
    two lies more than either knows (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, section 3).
    """
    network = build_network(read_run_recipe(folder), read_labels(folder))
    load_weights(network, folder / checkpoint)
    if learnt < 1:
        trained = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        load_weights(network, folder / FIRST)
        for name, tensor in network.state_dict().items():
            tensor.copy_(tensor.lerp(trained[name], learnt) if tensor.is_floating_point() else trained[name])
    return network.eval()


def read_run_recipe(folder: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The resolved recipe a run was trained from; raises `TrainingError` where the folder holds no run."""
    if not is_run(folder):
        raise TrainingError(f"{folder}: holds no run: no {RECIPE} in it")
    return read_recipe(folder / RECIPE, overrides)


def read_labels(folder: Path) -> dict[str, tuple[str, ...]]:
    """A run's classes by task; raises `TrainingError`."""
    path = folder / LABELS
    try:
        return {str(task): tuple(map(str, names)) for task, names in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise TrainingError(f"{path}: cannot be read as each task's classes: {error}") from None


def begin(folder: Path, recipe: Recipe, labels: Mapping[str, tuple[str, ...]]) -> None:
    """Write what stays the same throughout a run; once its recipe is there, the run can be gone on with."""
    write_text(folder / RECIPE, recipe.to_toml())
    write_text(folder / LABELS, json.dumps(labels, ensure_ascii=False, indent=1) + "\n")


def sweep(folder: Path) -> None:
    """Remove what a process that was killed while it wrote has left: files beside ours, and `.tmp…` of safetensors."""
    beside = (".tmp", *(f".{name}." for name in (RECIPE, LABELS, LOG)))
    for path in folder.glob(".*"):
        if path.name.startswith(beside) or ".safetensors." in path.name:
            path.unlink(missing_ok=True)


def add_to_log(folder: Path, line: Mapping[str, Any]) -> None:
    """Add a line of figures."""
    path = folder / LOG
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_text(path, before + json.dumps(line) + "\n")


def trim_log(folder: Path, epochs: int) -> None:
    """Take the lines after so many epochs out of the log."""
    if (folder / LOG).is_file():
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(folder / LOG, "".join(line for line in lines if json.loads(line)["epoch"] <= epochs))


def save_weights(module: nn.Module, path: Path) -> None:
    """Write a module's tensors."""
    _write(path, _plain(module.state_dict()), {})


def load_weights(module: nn.Module, path: Path) -> None:
    """Read a module's tensors back; raises `TrainingError` where they are not this module's."""
    tensors, _ = _read(path)
    _restore(module, tensors, path)


def weights_to_lend(network: Network, run: Path) -> dict[str, Tensor]:
    """The tensors of a run's best network that have this one's names and shapes; raises `TrainingError` where none have."""
    own = network.state_dict()
    same = {name: tensor for name, tensor in read_weights(run / BEST).items() if name in own and own[name].shape == tensor.shape}
    if not same:
        raise TrainingError(f"{run}: its network has no part in common with this one")
    return same


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name; raises `TrainingError`."""
    return _read(path)[0]


def save_state(path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Write everything that a run needs to go on: modules by name, their optimiser, how far it is."""
    tensors = {f"{name}.{key}": tensor for name, module in modules.items() for key, tensor in module.state_dict().items()}
    for number, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"{OPTIMIZER}{number}.{name}": tensor for name, tensor in slots.items()}
    _write(path, _plain(tensors), {"progress": json.dumps(attrs.asdict(progress))})


def load_state(path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer) -> Progress:
    """Read the state back into modules and optimiser; raises `TrainingError`."""
    tensors, header = _read(path)
    for name, module in modules.items():
        _restore(module, _under(f"{name}.", tensors), path)
    slots: dict[int, dict[str, Tensor]] = {}
    try:
        for name, tensor in _under(OPTIMIZER, tensors).items():
            number, _, slot = name.partition(".")
            slots.setdefault(int(number), {})[slot] = tensor
        optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
        return Progress(**json.loads(header["progress"]))
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{path}: is not the state of a run: {error}") from None


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as safetensors takes them: on the CPU, contiguous, none sharing memory with another."""
    return {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}


def _write(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    try:
        with replacing(path) as beside:
            save_file(tensors, beside, metadata=header)
            with beside.open("rb") as file:
                os.fsync(file.fileno())  # or a power cut could leave the new name with nothing behind it
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{path}: cannot be written: {error}: make room, then go on with --resume: nothing is lost") from None


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{path}: cannot be read: {error}") from None


def _restore(module: nn.Module, tensors: Mapping[str, Any], path: Path) -> None:
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise TrainingError(f"{path}: holds another network than its recipe describes: {reason[:300]}") from None
