"""Files and folders that commands write, looked at before any work is done.

As for cp, the folder of a file must be there: a typo would make another one. A folder to be filled is made with those above it.
"""

from __future__ import annotations

import os
from pathlib import Path

import typer

from fastdiar.core.errors import FastdiarError
from fastdiar.core.files import check_replaceable, existing_folder, write_text


def file_to_write(path: Path | None) -> Path | None:
    """`path`, where a file can be written, or - for standard output; the callback of options. Raises `FastdiarError`."""
    if path is not None and str(path) != "-":
        check_replaceable(path)
        _check_writable(existing_folder(path.parent, f"{path.name} is to be written there"))
    return path


def page_to_write(path: Path | None) -> Path | None:
    """`path`, where a page can be written; the callback of options. Raises `FastdiarError`."""
    if path is not None and path.suffix.lower() not in (".html", ".htm"):
        raise FastdiarError(f"{path}: expected a name that ends in .html")
    return file_to_write(path)


def folder_to_fill(path: Path) -> Path:
    """`path`, where files can be written into it, or it can be made. Raises `FastdiarError`."""
    _check_writable(next(each for each in (path, *path.parents) if each.exists()))
    return path


def write(path: Path | None, text: str) -> None:
    """Write `text` to a file, or to standard output where `path` is - or None."""
    if path is None or str(path) == "-":
        typer.echo(text, nl=False)
    else:
        write_text(path, text)


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK):
        raise FastdiarError(f"{folder}: may not be written to: choose another folder")
