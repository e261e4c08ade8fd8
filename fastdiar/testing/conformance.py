"""Trying a component's promises one by one, and saying which it does not keep."""

from __future__ import annotations

import importlib
import inspect
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from fastdiar.core.component import KINDS
from fastdiar.core.errors import FastdiarError, MissingExtra, RegistryError, nearest
from fastdiar.core.structure import unstructure
from fastdiar.testing.subject import Broken, Inapplicable, Subject, subject_of

WHERE = {
    "dataset": ("common", "datasets"),
    "augmentation": ("common", "augmentations"),
    "encoder": ("common", "encoders", "modules"),
    "temporal": ("common", "temporal", "modules"),
    "pooling": ("common", "poolings", "modules"),
    "head": ("common", "heads", "modules"),
    "loss": ("common", "losses"),
    "teacher": ("common", "teachers"),
    "exporter": ("common", "exporters"),
    "clustering": ("common", "clusterings"),
}
"""The modules of `fastdiar.testing.promises` that say what a kind promises."""


@attrs.frozen
class Promise:
    """Something that every component of a kind keeps: its `name`, in words, and how it is tried."""

    name: str
    words: str
    attempt: Callable[[Subject], None] = attrs.field(repr=False)

    def keep(self, subject: Subject) -> None:
        """Try it; raises `Broken`, `Inapplicable` where it asks for nothing here, `MissingExtra` where a library lacks."""
        try:
            self.attempt(subject)
        except (Broken, Inapplicable, MissingExtra):
            raise
        except Exception as error:
            words = " ".join(str(error).split())
            words = words if len(words) < 300 else words[:297] + "..."
            raise Broken(f"{type(error).__name__}: {words}{_place(error, subject.component)}") from error


@attrs.frozen
class Failure:
    """A promise that a component does not keep, and what came instead."""

    subject: Subject
    promise: Promise
    came: str

    @property
    def see(self) -> str:
        """A command that shows it, with a traceback where there is one."""
        table = f"{unstructure(dict(self.subject.table))!r}, " if self.subject.table else ""
        call = f"check({self.subject.kind!r}, {self.subject.name!r}, {table}only={self.promise.name!r})"
        return 'python -c "from fastdiar.testing import check; ' + re.sub(r'([\\"$`])', r"\\\1", call) + '"'

    def __str__(self) -> str:
        return (
            f"{self.subject.kind} {self.subject.name} breaks its promise {self.promise.name}\n"
            f"  promised: {self.promise.words}\n  came:     {self.came}\n  see it:   {self.see}"
        )


class ConformanceError(FastdiarError, AssertionError):
    """Every promise that a component does not keep."""

    def __init__(self, failures: Iterable[Failure]) -> None:
        self.failures = tuple(failures)
        super().__init__("\n".join(map(str, self.failures)))


@cache
def promised(kind: str) -> tuple[Promise, ...]:
    """What every component of a kind promises; raises `RegistryError` where there is no such kind."""
    if kind not in KINDS:
        raise RegistryError(f"no kind {kind!r}{nearest(kind, KINDS)}: expected one of {', '.join(KINDS)}")
    modules = [importlib.import_module(f"fastdiar.testing.promises.{name}") for name in WHERE[kind]]
    return tuple(Promise(each.__name__, _words(each), each) for module in modules for each in module.PROMISES)


def check(kind: str, name: str, config: Mapping[str, Any] | None = None, only: str | None = None) -> None:
    """Try everything that a component of `kind` promises, or `only` one promise, by name.

    `config` are keys and values as in its table of a recipe: what it needs to be told, and small sizes that keep this quick.
    Raises `ConformanceError` with every promise that is not kept, `RegistryError` where the component is broken.
    """
    __tracebackhide__ = True  # a failed test shows the line that called, and what came
    chosen = [each for each in promised(kind) if only in (None, each.name)]
    if not chosen:
        raise RegistryError(
            f"no promise {only!r} of the kind {kind}{nearest(only or '', [each.name for each in promised(kind)])}"
        )
    subject = subject_of(kind, name, config)
    failures, cause = [], None
    for promise in chosen:
        try:
            promise.keep(subject)
        except Broken as error:
            failures.append(Failure(subject, promise, str(error)))
            cause = error.__cause__
        except Inapplicable:
            continue
    if failures:
        raise ConformanceError(failures) from (cause if only else None)


def _words(attempt: Callable[[Subject], None]) -> str:
    return " ".join((attempt.__doc__ or "").split()).rstrip(".")


def _place(error: Exception, component: type) -> str:
    """Where an error came from, " (wavy.py, line 43)", as far as that lies in the component's own folder."""
    folder = Path(inspect.getfile(component)).parent
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == folder]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
