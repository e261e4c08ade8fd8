"""Tables of recordings: text with a header line and one row a file, its columns parted by tabs (`.tsv`) or commas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastdiar.core.errors import FormatError, nearest
from fastdiar.core.files import replacing


def read_manifest(path: Path, columns: Iterable[str] = ("path", "speaker")) -> list[dict[str, str]]:
    """The table's rows as column → text, in order; what is written as - is unknown, and empty.

    Raises `FormatError` where one of `columns` is absent or a row is short.
    """
    return list(manifest_rows(path, columns))


def manifest_rows(path: Path, columns: Iterable[str] = ("path", "speaker")) -> Iterator[dict[str, str]]:
    """As `read_manifest`, row by row: a million of them need no more memory than what is made of them."""
    if not path.is_file():
        raise FormatError(f"{path}: no such file: expected a table of recordings with the columns {', '.join(columns)}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            header = reader.fieldnames or ()
            for column in columns:
                if column not in header:
                    raise FormatError(f"{path}:1: no column '{column}'{nearest(column, header)}: found {', '.join(header)}")
            for row in reader:
                yield _complete(row, f"{path}:{reader.line_num}", len(header))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path}: not a table in UTF-8: {error}") from None


def write_manifest(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table that `read_manifest` reads, whole or not at all; what a row lacks stays empty."""
    with replacing(path) as beside, beside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter="\t" if path.suffix == ".tsv" else ",", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_names(path: Path) -> list[str]:
    """The non-empty lines of a text file, such as a list of speakers; raises `FormatError`."""
    if not path.is_file():
        raise FormatError(f"{path}: no such file: expected one name a line")
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _complete(row: dict[str, str], place: str, width: int) -> dict[str, str]:
    if None in row or None in row.values():
        raise FormatError(f"{place}: expected {width} columns, as in the header")
    return {name: "" if text == "-" else text for name, text in row.items()}
