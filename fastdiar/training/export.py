"""From a run to a bundle that runs without torch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor

from fastdiar import registry
from fastdiar.core.bundle import ACTIVITY, Activity, Bundle, read_bundle, write_bundle
from fastdiar.core.component import Part
from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.errors import DataError, ModelError, Problem, RecipeError
from fastdiar.core.excerpts import evenly, middle
from fastdiar.core.files import appearing, write_text
from fastdiar.core.onnx_files import RECIPE, quantize_lstms, read_graph, store_as_half
from fastdiar.core.structure import StructureError, dotted, structure, unstructure
from fastdiar.core.toml_text import dumps
from fastdiar.diarization.model import Model, find_model
from fastdiar.evaluation.evaluation import Data, read_test
from fastdiar.evaluation.gate import REPORT, Comparison, Gate, compare
from fastdiar.evaluation.talks import Talks
from fastdiar.network import Network
from fastdiar.recipe import Recipe, paths_in, read_data
from fastdiar.training.checkpoint import load_run, read_run_recipe

ACTIVITY_LICENCE = "LICENSE.segmentation.txt"
MADE_WITH = ("fastdiar", "torch", "onnx", "onnxscript")
CLIPS, CLIP_SECONDS = 32, 4.0
"""What 8 bits are fitted to."""


@attrs.frozen
class Exported:
    """A bundle that was written, and how far it is from torch."""

    bundle: Bundle
    gate: Gate


def export_run(
    run: Path,
    out: Path,
    use: str | None = None,
    precision: str | None = None,
    gate: Path | None = None,
    overrides: Sequence[str] = (),
    lent_by: str = DEFAULT_MODEL,
    learnt: float = 1.0,
) -> Exported:
    """Write the best network of a run as the bundle `out`, with the exporter `use`: by default the recipe's, else "onnx".

    `overrides` change its recipe. Of the way that its weights went in training, the share `learnt` is kept. Where no head of it
    says who is active, the graph of the model `lent_by`, a name or a folder, comes along. The bundle must diarize as torch
    does: the recordings of `gate` (a folder with RTTM files, or a recipe with `[data.test]`), or else those of the recipe's
    `[data.dev]`, or talks put together from its utterances. `out` is whole or not there. Raises `ModelError` where it holds
    something already, a graph is not what torch gives or loses too much; `TrainingError` where `run` is not a run.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise ModelError(f"{out}: is not empty: choose another folder with -o")
    recipe = read_run_recipe(run, overrides)
    part = _exporter(recipe.export, use, precision)
    network = load_run(run, learnt=learnt)
    table = portable(recipe)
    made = {name: version(name) for name in MADE_WITH}
    metadata = {RECIPE: dumps(table), **{f"made.{name}": number for name, number in made.items()}}
    with appearing(out) as folder:
        lender = None if network.turns else find_model(lent_by)
        activity = borrow_activity(lender, folder, part.config.precision) if lender else network.heads[network.turns].activity
        parity = part.build().export(network, folder, metadata, lambda: _speech(recipe))
        bundle = Bundle(
            name=out.name,
            frames=network.frames,
            activity=activity,
            embedding=network.embedding,
            labels=_labels(network),
            diarization=table["diarization"],
            recipe=table,
            made=made,
        )
        bundle = write_bundle(folder, bundle)
        passed = Gate(part.config.precision, parity, _comparison(folder, network, lender, recipe, gate))
        passed.check()
        write_text(folder / REPORT, passed.to_json())
    return Exported(bundle, passed)


class TorchModel(Model):
    """A bundle whose voices torch computes, and whose activity, where it is borrowed, is heard in full precision."""

    def __init__(self, folder: Path, network: Network, lender: Path | None = None) -> None:
        """`network` is what the bundle in `folder` was exported from; `lender` the model whose activity came along."""
        super().__init__(folder)
        self._network = network
        self._lender = None if lender is None else Model(lender)

    def activity(self, waveforms: np.ndarray) -> np.ndarray:
        """`[chunks, samples]` → powerset probabilities `[chunks, frames, classes]`."""
        return super().activity(waveforms) if self._lender is None else self._lender.activity(waveforms)

    @torch.inference_mode()
    def encode(self, waveform: np.ndarray) -> np.ndarray:
        """`[samples]` → `[frames, dim]`."""
        return self._frames(waveform[None])[0][0].numpy()

    @torch.inference_mode()
    def encode_with_activity(self, waveforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`[chunks, samples]` → `[chunks, frames, dim]` and `[chunks, frames, classes]`."""
        frames, lengths = self._frames(waveforms)
        return frames.numpy(), self._network.active(frames, lengths).numpy()

    @torch.inference_mode()
    def embed(self, frames: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """`[frames, dim]`, `[speakers, frames]` ≥ 0 → unit vectors `[speakers, dim]`."""
        return self._network.embed(torch.from_numpy(frames)[None], torch.from_numpy(weights)[None])[0].numpy()

    def _frames(self, waveforms: np.ndarray) -> tuple[Tensor, Tensor]:
        chunks, samples = waveforms.shape
        return self._network.encode(torch.from_numpy(waveforms), torch.full((chunks,), samples))


def borrow_activity(lender: Path, folder: Path, precision: str) -> Activity:
    """Put the activity graph of the model `lender`, with its licence, into `folder`.

    With "int8" its LSTMs work with 8-bit numbers. Raises `ModelError` where it has no such graph.
    """
    bundle = read_bundle(lender)
    if bundle.activity is None or ACTIVITY not in bundle.files:
        raise ModelError(f"{lender}: has no {ACTIVITY} to lend: choose another model with --activity")
    if (lender / ACTIVITY_LICENCE).is_file():
        shutil.copyfile(lender / ACTIVITY_LICENCE, folder / ACTIVITY_LICENCE)
    if precision == "int8":
        graph = store_as_half(quantize_lstms(read_graph(lender / ACTIVITY)))
        (folder / ACTIVITY).write_bytes(graph.SerializeToString())
    else:
        shutil.copyfile(lender / ACTIVITY, folder / ACTIVITY)
    return bundle.activity


def portable(recipe: Recipe) -> dict[str, Any]:
    """The recipe's table without this machine's folders: its paths are relative to the folder they have in common."""
    paths = {path for _, path in paths_in(attrs.evolve(recipe, path=None, origins={}), ())}
    if not paths:
        return recipe.table
    common = os.path.commonpath([path.parent for path in paths])
    names = {str(path): path.relative_to(common).as_posix() for path in paths}
    return _renamed(recipe.table, names)


def _speech(recipe: Recipe) -> list[np.ndarray]:
    """Middles of utterances that the recipe's network was validated on, or else trained on."""
    data = _heard(recipe)
    return [middle(data.dataset.load(entry), CLIP_SECONDS) for entry in evenly(data.entries, CLIPS)]


def _heard(recipe: Recipe) -> Data:
    """What the recipe's network was validated on, or else trained on."""
    name = "dev" if "dev" in recipe.data else "train"
    if name not in recipe.data:
        raise RecipeError([Problem("is missing: an export is held against its speech", "data.train", recipe.path)])
    return Data(f"data.{name}", *read_data(recipe, name))


def _recordings(recipe: Recipe) -> Data | None:
    """What must be diarized as before, where nothing was asked for; None where the data is gone, or tells no two people apart."""
    try:
        data = _heard(recipe)
    except RecipeError:
        return None
    if data.tells_turns:
        return data
    talks = Talks(data.dataset, data.entries)
    found = Data(f"talks put together from {data.name}", talks, talks.entries())
    return found if found.entries else None


def _comparison(folder: Path, network: Network, lender: Path | None, recipe: Recipe, gate: Path | None) -> Comparison | None:
    recordings = _recordings(recipe) if gate is None else read_test(gate)
    model = Model(folder)
    if recordings is None or not network.embedding:
        return None
    try:
        return compare(TorchModel(folder, network, lender), model, recordings)
    except DataError:
        if gate is not None:
            raise
        return None  # what the network was trained on is listed, but not here any more


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


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _labels(network: Network) -> tuple[str, ...]:
    """The classes that `classify.onnx` tells apart."""
    head = None if network.voice is None else network.heads[network.voice]
    return network.labels[head.task] if head is not None and head.classifies else ()
