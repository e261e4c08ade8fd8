"""Which recordings an archive holds, one after the other: however many there are, none is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from fastdiar.core.audio import SUFFIXES
from fastdiar.core.errors import DataError
from fastdiar.core.files import files_below
from fastdiar.core.manifest import manifest_rows

TABLES = frozenset({".csv", ".tsv"})
"""What the name of a table of recordings ends in."""


@attrs.frozen
class Source:
    """A recording at `path` (absolute), `bytes` long. `name` is what its turns are called, relative and without a suffix.

    `stamp` changes when the file does; it is empty where there is no file.
    """

    path: str
    name: str
    stamp: str
    bytes: int


def sources(arguments: Sequence[str]) -> Iterator[Source]:
    """The recordings below folders, in tables (by the column `path`, relative to the table) and among `arguments` themselves.

    Names keep the layout below the folder that all arguments have in common; what a table lists elsewhere is named by its whole
    path. Hidden files, pipes (nobody may write to them), and links to folders are left out. Raises `DataError`, `FormatError`.
    """
    places = [os.path.abspath(argument) for argument in arguments]  # noqa: PTH100 - links stay as they are named
    root = os.path.commonpath([place if Path(place).is_dir() else str(Path(place).parent) for place in places])
    for place in places:
        for path in _listed(Path(place)):
            yield _source(path, root)


def _listed(place: Path) -> Iterator[str]:
    if place.is_dir():
        yield from _below(place)
    elif place.suffix.lower() in TABLES:
        for row in manifest_rows(place, ["path"]):
            yield os.path.normpath(place.parent / row["path"])
    else:
        yield str(place)


def _below(folder: Path) -> Iterator[str]:
    found = False
    for path in files_below(folder):
        if os.path.splitext(path)[1].lower() in SUFFIXES and not Path(path).is_fifo():  # noqa: PTH122
            found = True
            yield path
    if not found:
        raise DataError(f"{folder}: holds no recordings: expected files such as {', '.join(sorted(SUFFIXES)[:6])} below it")


def _source(path: str, root: str) -> Source:
    inside = Path(path).is_relative_to(root)
    name = Path(path).relative_to(root if inside else "/").with_suffix("")
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return Source(path, name.as_posix(), "", 0)
    return Source(path, name.as_posix(), f"{status.st_size}:{status.st_mtime_ns}", status.st_size)
