"""Recipe files: what a recipe extends, what it drops, what the command line sets; each value with its origin.

Knows nothing of components. Nothing in a recipe is ever run or imported.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from fastdiar.core.errors import Problem, RecipeError, nearest
from fastdiar.core.structure import shown
from fastdiar.core.toml_lines import key_lines, key_path
from fastdiar.core.toml_text import Key, dumps_key

LARGEST_FILE = 1 << 20
DEEPEST = 16
SET = Path("--set")
"""Stands for the file where the command line set a value."""


@attrs.frozen
class Origin:
    """Where a value was written; paths are relative to `folder`."""

    path: Path
    line: int | None = None
    folder: Path = Path()

    def __str__(self) -> str:
        return self.path.name if self.line is None else f"{self.path.name}:{self.line}"


@attrs.frozen
class Source:
    """A recipe's values before any of them was checked.

    `origins` has every key of `table`, tables included. `problems` were found while reading; `whole` is False where what the
    recipe extends could not be read, so that a missing key tells nothing.
    """

    table: dict[str, Any] = attrs.Factory(dict)
    origins: dict[Key, Origin] = attrs.Factory(dict)
    problems: tuple[Problem, ...] = ()
    whole: bool = True


def read_source(path: Path, overrides: Sequence[str] = ()) -> Source:
    """Read a recipe and everything it extends; `overrides` are `a.b=c`, as after `--set`.

    Raises `RecipeError` where the file itself cannot be read.
    """
    try:
        return _overridden(_read(path, ()), overrides)
    except _Unreadable as error:
        raise RecipeError([Problem(str(error), path=path)]) from None


def source_of(table: Mapping[str, Any], where: str) -> Source:
    """A table that was read elsewhere; `where` names it in messages."""
    return Source(dict(table), {key: Origin(Path(where)) for key in _keys(table)})


class _Unreadable(Exception):
    """Why a file cannot be read."""


def written(text: str) -> Any:
    """What stands behind a key: a TOML value, or the text itself where it is none: `--set encoder.use=cnn` needs no quotes."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return table["value"] if len(table) == 1 else text


def laid_over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` on top of `base`, table by table. Another `use` has other keys: then those of `base` are left behind."""
    if "use" in base and "use" in own and base["use"] != own["use"]:
        return dict(own)
    merged = dict(base)
    for key, value in own.items():
        inside = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = laid_over(base[key], value) if inside else value
    return merged


def differences(tables: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Keys of recipes whose values differ, dotted, each with its value in every table; None where a table has no such key."""
    flat = [dict(_values(table)) for table in tables]
    keys = dict.fromkeys(key for each in flat for key in each)
    values = {key: [each.get(key) for each in flat] for key in keys}
    return {dumps_key(key): of_each for key, of_each in values.items() if any(value != of_each[0] for value in of_each)}


def _read(path: Path, chain: tuple[Path, ...]) -> Source:
    """One file on top of what it extends; `chain` are the files that extend it."""
    table, lines = _parsed(path)
    chain = (*chain, path.resolve())
    if chain[-1] in chain[:-1]:
        names = [each.name for each in chain[chain.index(chain[-1]) :]]
        raise _Unreadable(f"comes back to itself: {' → '.join(names)}")
    if len(chain) > DEEPEST:
        raise _Unreadable(f"more than {DEEPEST} recipes extend one another")
    extends, drop = table.pop("extends", None), table.pop("drop", [])
    origins = {key: Origin(path, _line(lines, key), path.parent) for key in _keys(table)}
    base = Source() if extends is None else _base(path, lines["extends",], extends, chain)
    base = _dropped(base, drop, Problem("", "drop", path, lines.get(("drop",))), extends)
    return _merged(base, table, origins)


def _base(path: Path, line: int, extends: Any, chain: tuple[Path, ...]) -> Source:
    """What the recipe at `path` extends; where that cannot be read, nothing but the problem."""
    message = f"expected the path of a recipe, found {shown(extends)}"
    if isinstance(extends, str):
        base = Path(os.path.normpath(path.parent / extends))
        try:
            return _read(base, chain)
        except RecipeError as error:
            return Source(problems=tuple(error.problems), whole=False)
        except _Unreadable as error:
            message = f"{base}: {error}"
    return Source(problems=(Problem(message, "extends", path, line),), whole=False)


def _dropped(base: Source, drop: Any, at: Problem, extends: Any) -> Source:
    """`base` without the keys that `drop` lists; `at` is where that stands."""
    if not isinstance(drop, list) or not all(isinstance(name, str) for name in drop):
        message = 'expected a list of keys, such as ["temporal.attend"]'
        return attrs.evolve(base, problems=(*base.problems, attrs.evolve(at, message=message)))
    problems = list(base.problems)
    for name in drop:
        key = key_path(name)
        if (key is None or not _remove(base.table, key)) and base.whole:
            known = (dumps_key(each) for each in base.origins)
            why = f"'{extends}' has no such key{nearest(name, known)}" if extends else "nothing to drop from without 'extends'"
            problems.append(attrs.evolve(at, message=f"{shown(name)}: {why}"))
    origins = {key: base.origins[key] for key in _keys(base.table)}
    return attrs.evolve(base, origins=origins, problems=tuple(problems))


def _overridden(source: Source, overrides: Sequence[str]) -> Source:
    """`source` with the values of the command line on top."""
    table: dict[str, Any] = {}
    problems = list(source.problems)
    for text in overrides:
        name, equals, value = text.partition("=")
        key = key_path(name)
        if not equals or key is None:
            problems.append(Problem(f"expected KEY=VALUE, such as trainer.epochs=3, found {shown(text)}", path=SET))
        elif key[0] in ("extends", "drop") or not _put(table, key, written(value)):
            problems.append(Problem("cannot be set here", dumps_key(key), SET))
    origins = {key: Origin(SET) for key in _keys(table)}
    tables = {key for key in origins if isinstance(_get(table, key), dict)} & source.origins.keys()
    origins = {key: source.origins[key] if key in tables else origin for key, origin in origins.items()}
    return attrs.evolve(_merged(source, table, origins), problems=tuple(problems))


def _merged(base: Source, table: dict[str, Any], origins: dict[Key, Origin]) -> Source:
    """`table` on top of `base`, table by table."""
    merged = laid_over(base.table, table)
    known = base.origins | origins
    return attrs.evolve(base, table=merged, origins={key: known[key] for key in _keys(merged)})


def _parsed(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """A file's table and the lines of its keys."""
    text = _text(path)
    try:
        return tomllib.loads(text), key_lines(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        message, line = re.sub(r"at line \d+, ", "", str(error)), re.search(r"at line (\d+)", str(error))
        last = text.count("\n") + 1
        raise RecipeError([Problem(f"not valid TOML: {message}", path=path, line=int(line[1]) if line else last)]) from None


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise _Unreadable("is a folder: expected a recipe")
        if not path.is_file():
            beside = [each.name for each in path.parent.glob("*.toml")] if path.parent.is_dir() else []
            raise _Unreadable(f"no such file{nearest(path.name, beside)}")
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise _Unreadable(f"cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise _Unreadable(f"larger than {LARGEST_FILE >> 20} MiB: not a recipe")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Unreadable(f"not UTF-8 text (byte {error.start})") from None


def _line(lines: Mapping[Key, int], key: Key) -> int | None:
    """The line of a key, or of the nearest table around it that has one."""
    return next((lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in lines), None)


def _keys(table: Mapping[str, Any], path: Key = ()) -> Iterator[Key]:
    """Every key of a table, those of the tables inside it too."""
    for key, value in table.items():
        yield (*path, key)
        if isinstance(value, Mapping):
            yield from _keys(value, (*path, key))


def _values(table: Mapping[str, Any], path: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Every value of nested tables, with the keys that lead to it."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _values(value, (*path, key))
        else:
            yield (*path, key), value


def _get(table: Mapping[str, Any], key: Key) -> Any:
    value: Any = table
    for part in key:
        value = value[part]
    return value


def _put(table: dict[str, Any], key: Key, value: Any) -> bool:
    """Set a key of nested tables; False where a part of it is a value already."""
    for part in key[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            return False
    table[key[-1]] = value
    return True


def _remove(table: dict[str, Any], key: Key) -> bool:
    """Delete a key of nested tables; False where it is not there."""
    for part in key[:-1]:
        table = table.get(part, {})
        if not isinstance(table, dict):
            return False
    return table.pop(key[-1], None) is not None
