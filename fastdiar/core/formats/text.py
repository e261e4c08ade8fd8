"""Reading text files of strangers: bounded, UTF-8, and with the file and line of what is wrong."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs

from fastdiar.core.errors import FormatError
from fastdiar.core.structure import StructureError, dotted, structure
from fastdiar.core.types import Turn

T = TypeVar("T")

LARGEST_FILE = 256 << 20
"""Bytes of a file that is read line by line; a larger one is not a list of turns or trials."""
LARGEST_WHOLE = 64 << 20
"""Bytes of a file that is read at once."""


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line that is not blank with its number, from 1; raises `FormatError`."""
    with _opened(path, LARGEST_FILE), path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line.rstrip("\n")


def whole(path: Path) -> str:
    """All of a file's text, UTF-8 or UTF-16 with its mark, the ends of its lines as they are; raises `FormatError`."""
    with _opened(path, LARGEST_WHOLE):
        data = path.read_bytes()
        return data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


def json_object(path: Path, expected: str) -> dict[str, Any]:
    """A file's JSON object; raises `FormatError` that says what was `expected`."""
    try:
        content = json.loads(whole(path))
    except (ValueError, RecursionError):
        raise FormatError(f"{path}: not JSON: expected {expected}") from None
    if not isinstance(content, dict):
        raise FormatError(f"{path}: expected {expected}, an object")
    return content


def known_keys(path: Path, table: Any, cls: type[T], at: tuple[str | int, ...] = ()) -> T:
    """What the attrs class `cls` asks for out of an object of a JSON file; other keys and nulls are passed over.

    `at` is where in the file the object stands. Raises `FormatError`.
    """
    try:
        if isinstance(table, Mapping):
            names = {field.name for field in attrs.fields(cls)}  # type: ignore[arg-type]
            table = {name: value for name, value in table.items() if name in names and value is not None}
        return structure(table, cls)
    except StructureError as error:
        place, message = error.problems[0]
        raise FormatError(f"{path}: {dotted((*at, *place))}: {message}") from None


def seconds_of(place: str, name: str, text: str) -> float:
    """A time in seconds, 0 or more; raises `FormatError` that says at which `place` and what `name` it should be."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise FormatError(f"{place}: {name} is '{text[:40]}': expected seconds, 0 or more")
    return seconds


def turn_of(place: str, start: str, end: str, speaker: str, confidence: float | None = None) -> Turn | None:
    """A turn of what one line says; None where it lasts no time. Raises `FormatError` that says at which `place`."""
    first, last = seconds_of(place, "start", start), seconds_of(place, "end", end)
    if last < first:
        raise FormatError(f"{place}: the end {last:g} s comes before the start {first:g} s")
    return Turn(first, last, speaker, confidence) if last > first else None


def one_line(name: str) -> str:
    """A name where lines mean something: every run of blanks is one blank."""
    return " ".join(name.split()) or "_"


@contextmanager
def _opened(path: Path, largest: int) -> Iterator[None]:
    """Says why a file cannot be read as text."""
    try:
        if path.stat().st_size > largest:
            raise FormatError(f"{path}: larger than {largest >> 20} MiB: not a list of turns or trials")
        yield
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FormatError(f"{path}: not text (UTF-8): expected a list of turns or trials") from None
