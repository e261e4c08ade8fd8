"""Writing files so that nothing half-written is ever seen; finding the folders and tables of a corpus."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastdiar.core.errors import DataError, FastdiarError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new path beside `path` to write to; it takes the place of `path` when the block ends well, and goes otherwise.

    A link is followed. Raises `FastdiarError` as `check_replaceable` does.
    """
    check_replaceable(path)
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def check_replaceable(path: Path) -> None:
    """Raises `FastdiarError` where `path` is a folder, a device, a pipe or a link to itself, whose place nothing may take."""
    try:
        there = path.resolve()
    except RuntimeError:
        raise FastdiarError(f"{path}: is a link to itself: choose another name") from None
    if there.exists() and not there.is_file():
        what = "a folder" if there.is_dir() else "not a regular file"
        raise FastdiarError(f"{there}: is {what}: choose another name, or - for standard output")


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` that takes its place when the block ends well, and goes otherwise.

    What is in the place of `folder` must be nothing, or an empty folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def existing_folder(path: Path, what: str) -> Path:
    """`path`, where that is a folder; else raises `DataError` with what it must be."""
    if not path.is_dir():
        raise DataError(f"{path}: {'is not a folder' if path.exists() else 'no such folder'}: {what}")
    return path


def names(folder: Path, folders: bool) -> list[str]:
    """What a folder holds, in order: its folders, or its files. Nothing is opened, so that a million files take seconds."""
    with os.scandir(folder) as found:
        return sorted(each.name for each in found if each.is_dir() == folders)


def files_below(folder: Path) -> Iterator[str]:
    """The path of every file in a folder and all below, in order; hidden ones are left out, and links to folders.

    Raises `DataError` where a folder cannot be listed.
    """

    def fail(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be listed: {error.strerror}") from None

    for inside, folders, files in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (f"{inside}/{name}" for name in sorted(files) if not name.startswith("."))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
