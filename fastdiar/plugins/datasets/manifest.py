"""A table with one row an utterance."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import ClassVar

import attrs
from attrs import field, validators

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError
from fastdiar.core.labels import known_labels
from fastdiar.core.manifest import read_manifest, read_names
from fastdiar.core.splits import SplitConfig, split_entries

NO_LABEL = frozenset({"path", "key", "seconds", "sha256"})


@attrs.frozen(kw_only=True)
class ManifestConfig(SplitConfig):
    """`use = "manifest"`: a .tsv or .csv table with a heading; columns `path` and `speaker`, every other column is a label."""

    table: Path = field(metadata={"help": "the table; its paths are relative to the folder it lies in"})
    corpora: tuple[str, ...] = field(default=(), metadata={"help": "values of the column `corpus` to take; none: all"})
    exclude_corpora: tuple[str, ...] = field(default=(), metadata={"help": "values of the column `corpus` to leave out"})
    exclude_licence: tuple[str, ...] = field(
        default=(), metadata={"help": 'words of the column `licence` that rule a row out, such as "NC" in CC BY-NC 4.0'}
    )
    speakers: Path | None = field(default=None, metadata={"help": "a text file of the speakers to take, one a line; none: all"})
    min_utterances: int = field(default=1, validator=validators.ge(1), metadata={"help": "leave speakers with fewer out"})


class Manifest(Dataset):
    """Any collection that a table describes: its columns are labels, such as session, language, emotion.

    Keys are the paths, or what a column `key` says instead: `fastdiar prepare` writes the corpus' own, so that its splits stay.
    A gender is "f" or "m" however it is written, and an age in years its decade (34 → 30s). Rows without a speaker (noise, rooms)
    are passed over.
    """

    config_class: ClassVar[type] = ManifestConfig
    config: ManifestConfig

    def entries(self) -> list[Entry]:
        """The rows that the config takes, in the table's order; raises `DataError` that names the line."""
        table = self.config.table
        rows = [_entry(row, table, line) for line, row in enumerate(read_manifest(table), start=2)]
        entries = [entry for entry in rows if entry.labels["speaker"] and self._takes(entry)]
        counts = Counter(entry.labels["speaker"] for entry in entries)
        entries = [entry for entry in entries if counts[entry.labels["speaker"]] >= self.config.min_utterances]
        chosen = split_entries(self._of_listed_speakers(entries), self.config)
        if not chosen:
            raise DataError(f"{table}: no row is left after the recipe's choice of corpora, licences, speakers and split")
        return chosen

    def _takes(self, entry: Entry) -> bool:
        corpus, licence = entry.labels.get("corpus", ""), re.split(r"[^A-Za-z0-9.]+", entry.labels.get("licence", ""))
        return (
            (not self.config.corpora or corpus in self.config.corpora)
            and corpus not in self.config.exclude_corpora
            and not set(licence) & set(self.config.exclude_licence)
        )

    def _of_listed_speakers(self, entries: list[Entry]) -> list[Entry]:
        if self.config.speakers is None:
            return entries
        listed = set(read_names(self.config.speakers))
        return [entry for entry in entries if entry.labels["speaker"] in listed]


def _entry(row: dict[str, str], table: Path, line: int) -> Entry:
    """A row as an entry; its labels are the columns, of which `speaker` may be empty."""
    path = PurePosixPath(row["path"])
    if not path.name or path.is_absolute() or ".." in path.parts:
        raise DataError(f"{table}:{line}: path '{row['path']}' must be a file inside the folder of the table")
    labels = {"speaker": "", **known_labels({name: value for name, value in row.items() if name not in NO_LABEL})}
    return Entry(row.get("key") or path.as_posix(), table.parent / path, labels)
