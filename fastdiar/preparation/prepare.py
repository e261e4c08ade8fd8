"""A corpus made ready for training: converted, described in a manifest and, where wished, packed into shards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attrs

from fastdiar import registry
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError
from fastdiar.core.manifest import write_manifest
from fastdiar.core.structure import StructureError, structure
from fastdiar.preparation.conversion import Conversion, convert
from fastdiar.preparation.shards import Sharded, write_shards

MANIFEST = "manifest.tsv"
SKIPPED = "skipped.tsv"
SHARDS = "shards"
COLUMNS = ("path", "seconds", "sha256", "speaker")
"""Of the manifest; the corpus' other labels come behind them."""

Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it, and of how much."""


def prepare(corpus: str, source: Path, target: Path, workers: int, progress: Progress) -> Conversion:
    """Convert the corpus at `source` to 16 kHz mono FLAC below `target`, in the same layout, going on where it stopped.

    `corpus` is the dataset that reads it. Beside the files come manifest.tsv, with the labels that the dataset knows, and
    skipped.tsv. Raises `DataError`, and what the dataset raises where `source` is not laid out as it expects.
    """
    dataset, folder = _corpus(corpus, source)
    dataset.entries()  # what cannot be read as this corpus is refused now, not after hours
    conversion = convert(folder, target, workers, lambda done, total: progress("recordings", done, total))
    labels = _labels_of_files(dataset.entries(), folder)
    names = {label for of_file in labels.values() for label in of_file}
    rows = (
        {**labels.get(each.source, {}), "path": each.path, "seconds": each.seconds, "sha256": each.sha256}
        for each in conversion.converted
    )
    write_manifest(target / MANIFEST, [*COLUMNS, *sorted(names - set(COLUMNS))], rows)
    skipped = ({"path": each.path, "reason": each.reason} for each in conversion.skipped)
    write_manifest(target / SKIPPED, ["path", "reason"], skipped)
    return conversion


def pack(corpus: str, source: Path, target: Path, conversion: Conversion, largest: int, progress: Progress) -> Sharded:
    """Write what `prepare` made, as the dataset divides it into utterances, to shards of at most `largest` bytes."""
    dataset, folder = _corpus(corpus, source)
    paths = {each.source: target / each.path for each in conversion.converted}
    entries = [
        attrs.evolve(entry, path=paths[name]) for entry in dataset.entries() if (name := _relative(entry.path, folder)) in paths
    ]
    return write_shards(target / SHARDS, entries, dataset.turns, largest, lambda done, total: progress("utterances", done, total))


def _corpus(name: str, source: Path) -> tuple[Dataset, Path]:
    """The dataset that reads `source`, and the folder that the corpus lies in; a manifest is a table in that folder."""
    cls: Any = registry.lookup("dataset", name)
    keys = {field.name for field in attrs.fields(cls.config_class)}
    key = next((key for key in ("root", "table") if key in keys), None)
    try:
        config = structure({key: str(source)} if key else {}, cls.config_class)
    except StructureError as error:
        raise DataError(f"'{name}' is more than a corpus in a folder: {error}") from None
    return cls(config), source.parent if key == "table" else source


def _labels_of_files(entries: Iterable[Entry], folder: Path) -> dict[str, dict[str, str]]:
    """The labels on which all entries of a file agree, by its path relative to the folder."""
    labels: dict[str, dict[str, str]] = {}
    for entry in entries:
        name = _relative(entry.path, folder)
        known = labels.setdefault(name, entry.labels)
        if known is not entry.labels:
            labels[name] = {label: value for label, value in known.items() if entry.labels.get(label) == value}
    return labels


def _relative(path: Path, folder: Path) -> str:
    """As the conversion names it; a file elsewhere has no such name."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else ""
