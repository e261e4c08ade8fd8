"""From a run to a bundle that runs without torch."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from fastdiar import registry
from fastdiar.core.bundle import Activity, Bundle, read_bundle, write_bundle
from fastdiar.core.component import Part
from fastdiar.core.errors import ModelError, Problem, RecipeError
from fastdiar.core.structure import StructureError, dotted, structure, unstructure
from fastdiar.core.toml_text import dumps
from fastdiar.diarization.model import DEFAULT, find_model, shipped
from fastdiar.network import Network
from fastdiar.recipe import Recipe
from fastdiar.training.checkpoint import load_run, read_run_recipe

ACTIVITY = "activity.onnx"
ACTIVITY_LICENCE = "LICENSE.segmentation.txt"
MADE_WITH = ("fastdiar", "torch", "onnx", "onnxscript")


@attrs.frozen
class Exported:
    """A bundle that was written, and each graph's largest difference from torch."""

    bundle: Bundle
    differences: dict[str, float]


def export_run(run: Path, out: Path, use: str | None = None, precision: str | None = None) -> Exported:
    """Write the best network of a run as the bundle `out`, with the exporter `use`: by default the recipe's, else "onnx".

    `out` is whole or not there. Raises `ModelError` where it holds something already or a graph is not what torch gives,
    `TrainingError` where `run` is not a run.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise ModelError(f"{out}: is not empty: choose another folder with -o")
    recipe = read_run_recipe(run)
    part = _exporter(recipe.export, use, precision)
    network = load_run(run)
    table = portable(recipe)
    made = {name: version(name) for name in MADE_WITH}
    metadata = {"fastdiar.recipe": dumps(table), **{f"made.{name}": number for name, number in made.items()}}
    with _appearing(out) as folder:
        differences = registry.lookup("exporter", part.use)(part.config).export(network, folder, metadata)
        bundle = Bundle(
            name=out.name,
            frames=network.frames,
            activity=network.heads[network.turns].activity if network.turns else borrow_activity(folder),
            embedding=network.embedding,
            labels=_labels(network),
            diarization=table["diarization"],
            recipe=table,
            made=made,
        )
        return Exported(write_bundle(folder, bundle), differences)


def borrow_activity(folder: Path) -> Activity | None:
    """Copy the activity graph of the model that ships, with its licence, into `folder`: this network has no activity head.

    A bundle needs to know who is active to diarize; None where no model ships one.
    """
    if DEFAULT not in shipped():
        return None
    source = find_model(DEFAULT)
    bundle = read_bundle(source)
    if ACTIVITY not in bundle.files:
        return None
    for name in (ACTIVITY, ACTIVITY_LICENCE):
        shutil.copyfile(source / name, folder / name)
    return bundle.activity


def portable(recipe: Recipe) -> dict[str, Any]:
    """The recipe's table without this machine's folders: its paths are relative to the folder they have in common."""
    paths = set(_paths(attrs.asdict(attrs.evolve(recipe, path=None, origins={}))))
    if not paths:
        return recipe.table
    common = os.path.commonpath([path.parent for path in paths])
    names = {str(path): path.relative_to(common).as_posix() for path in paths}
    return _renamed(recipe.table, names)


def _exporter(recipes: Part | None, use: str | None, precision: str | None) -> Part:
    """The recipe's exporter, or another one, with the precision asked for."""
    use = use or (recipes.use if recipes else "onnx")
    table = unstructure(recipes.config) if recipes and recipes.use == use else {}
    if precision is not None:
        table["precision"] = precision
    exporter: Any = registry.lookup("exporter", use)
    try:
        return Part(use, structure(table, exporter.config_class), exporter)
    except StructureError as error:
        raise RecipeError([Problem(message, f"export.{dotted(key)}") for key, message in error.problems]) from None


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _paths(each)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _labels(network: Network) -> tuple[str, ...]:
    """The classes that `classify.onnx` tells apart."""
    return () if network.voice is None else network.labels[network.heads[network.voice].task]


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A new folder beside `out` that takes its place when the block ends well, and goes otherwise."""
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        yield beside
        beside.chmod(0o755)
        beside.replace(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
