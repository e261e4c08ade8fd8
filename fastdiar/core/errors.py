"""What a person did that cannot work, said in a line they can act on.

Every error here is shown as text without a traceback, and ends a command with exit code 2.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

OVERWRITTEN = {"gpu": "onnxruntime"}
"""What an extra's wheels would be mixed with: it must go first."""


class FastdiarError(Exception):
    """A mistake that a person can mend: which file, key or line; what was expected; what to do."""


class AudioError(FastdiarError):
    """A recording that cannot be read."""


class FormatError(FastdiarError):
    """An RTTM, UEM or JSON file that does not hold what its format promises."""


class ModelError(FastdiarError):
    """A model bundle that is missing, broken, or not what the command needs."""


class RegistryError(FastdiarError):
    """A component that does not exist, is broken, or breaks its interface."""


class DataError(FastdiarError):
    """A corpus that is missing, or not laid out as it should be."""


class TrainingError(FastdiarError):
    """A run that cannot start, go on or be read."""


class MissingExtra(FastdiarError):
    """A part of fastdiar that was not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(what, extra)  # as they are, or no process could hand the error to another
        self.extra = extra

    def __str__(self) -> str:
        what, extra = self.args
        first = f"pip uninstall {OVERWRITTEN[extra]}, then " if extra in OVERWRITTEN else ""
        return f"{what} needs a part that is not installed: {first}pip install '.[{extra}]' in fastdiar's checkout"


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Around imports of what an extra brings: says so where it is not installed, and `what` needs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "fastdiar":
            raise
        raise MissingExtra(what, extra) from None


@attrs.frozen
class Problem:
    """One thing wrong with a recipe: where it is written, which key, and what was expected instead."""

    message: str
    key: str = ""
    path: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = "" if self.path is None else f"{self.path}:" if self.line is None else f"{self.path}:{self.line}:"
        return " ".join(part for part in (place, f"{self.key}:" if self.key else "", self.message) if part)


class RecipeError(FastdiarError):
    """Everything that is wrong with a recipe, all at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def said(kind: str, message: str) -> str:
    """A message as standard error shows it, line by line. What a file says may be in it, and must not steer the terminal."""
    lines = (re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda control: repr(control[0])[1:-1], line) for line in message.splitlines())
    return "\n".join(f"fastdiar: {kind}: {line}" for line in lines)


def nearest(name: str, names: Iterable[str]) -> str:
    """`" (did you mean 'x'?)"` for the name that comes closest, or nothing where none is close."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""
