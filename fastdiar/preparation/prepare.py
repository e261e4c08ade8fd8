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
from fastdiar.core.recipe_files import written
from fastdiar.core.structure import StructureError, structure
from fastdiar.preparation.conversion import Conversion, convert, flac_name
from fastdiar.preparation.shards import Sharded, write_shards

MANIFEST = "manifest.tsv"
SKIPPED = "skipped.tsv"
SHARDS = "shards"
COLUMNS = ("path", "key", "seconds", "sha256", "speaker")
"""Of the manifest; the corpus' other labels come behind them."""

OF_RECORDINGS = ("corpus", "session")
"""Labels that a stretch shares with the recording it is cut from; who speaks in it is not who speaks in all of it."""

Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it, and of how much."""


@attrs.frozen(eq=False)
class Original:
    """A corpus as it was distributed: the dataset that reads it, and the folder that it lies in."""

    dataset: Dataset
    folder: Path

    def name_of(self, entry: Entry) -> str:
        """The entry's file, relative to the folder; empty where it lies elsewhere."""
        return entry.path.relative_to(self.folder).as_posix() if entry.path.is_relative_to(self.folder) else ""


def original(name: str, source: Path, settings: Iterable[str] = ()) -> Original:
    """The corpus at `source`, its folder or its table, read by the dataset `name` with `settings` such as "split=train".

    Raises what the dataset raises where it cannot read it.
    """
    cls: Any = registry.lookup("dataset", name)
    if cls.load is not Dataset.load:
        raise DataError(f"the dataset '{name}' makes or unpacks its sound itself: prepare the recordings that it is made from")
    keys = {field.name for field in attrs.fields(cls.config_class)}
    place = next((key for key in ("root", "table") if key in keys), None)
    values: dict[str, Any] = {place: str(source)} if place else {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key == place:
            raise DataError(f"--set {setting}: expected KEY=VALUE, a setting of the dataset '{name}' other than '{place}'")
        values[key] = written(value)
    try:
        dataset = cls(structure(values, cls.config_class))
    except StructureError as error:
        lines = str(error).splitlines()
        raise DataError("\n".join(f"the dataset '{name}': {line}: see --set KEY=VALUE" for line in lines)) from None
    dataset.entries()  # what is laid out otherwise is refused now, not after hours
    return Original(dataset, source.parent if place == "table" else source)


def prepare(corpus: Original, target: Path, workers: int, progress: Progress) -> Conversion:
    """Convert a corpus to 16 kHz mono FLAC below `target`, in the same layout, going on where it stopped.

    Beside the files come manifest.tsv, with the labels that the dataset knows, and skipped.tsv. Raises `DataError`.
    """
    conversion = convert(corpus.folder, target, workers, lambda done, total: progress("recordings", done, total))
    labels = _known_of_files(corpus)
    names = {label for of_file in labels.values() for label in of_file}
    rows = (
        {**labels.get(each.source, {}), "path": each.path, "seconds": each.seconds, "sha256": each.sha256}
        for each in conversion.converted
    )
    write_manifest(target / MANIFEST, [*COLUMNS, *sorted(names - set(COLUMNS))], rows)
    skipped = ({"path": each.path, "reason": each.reason} for each in conversion.skipped)
    write_manifest(target / SKIPPED, ["path", "reason"], skipped)
    return conversion


def pack(corpus: Original, target: Path, conversion: Conversion, largest: int, progress: Progress) -> Sharded:
    """Write what `prepare` made, as the dataset divides it into utterances, to shards of at most `largest` bytes."""
    converted = {each.source for each in conversion.converted}
    return write_shards(
        target / SHARDS,
        [entry for entry in corpus.dataset.entries() if corpus.name_of(entry) in converted],
        lambda path: target / flac_name(path.relative_to(corpus.folder).as_posix()),
        corpus.dataset.turns,
        largest,
        lambda done, total: progress("utterances", done, total),
    )


def _known_of_files(corpus: Original) -> dict[str, dict[str, str]]:
    """Key and labels of each file, by its path relative to the corpus' folder; of a stretch of it, only where that comes from."""
    labels: dict[str, dict[str, str]] = {}
    for entry in corpus.dataset.entries():
        whole = entry.start == 0 and entry.seconds is None
        known = {name: value for name, value in entry.labels.items() if whole or name in OF_RECORDINGS}
        labels[corpus.name_of(entry)] = {"key": entry.key, **known} if whole else known
    return labels
