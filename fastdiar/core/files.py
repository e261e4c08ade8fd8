"""Writing files so that nothing half-written is ever seen."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastdiar.core.errors import FastdiarError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new path beside `path` to write to; it takes the place of `path` when the block ends well, and goes otherwise.

    A link is followed. Raises `FastdiarError` where `path` is a folder, a device or a pipe, which nothing may take the place of.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise FastdiarError(f"{path}: is not a regular file: choose another name, or - for standard output")
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


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
