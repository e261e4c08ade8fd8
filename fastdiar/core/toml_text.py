"""Tables as TOML text.

The values are written by the `toml` package, with rules of our own where its 0.10.2 writes what no reader takes back:
control characters, backslashes before an x, odd keys, tables inside lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import toml

Key = tuple[str, ...]


def dumps(table: Mapping[str, Any], comment: Callable[[Key], str] = lambda key: "") -> str:
    """`table` as TOML that `tomllib` reads back equal; `comment` gives the text after a value's line, "" for none.

    Raises `TypeError` for what TOML has no value for.
    """
    return "\n".join(_lines(table, (), comment)).lstrip("\n") + "\n"


def dumps_value(value: Any) -> str:
    """One value as TOML, on one line."""
    return str(_ENCODER.dump_value(value))


def dumps_key(path: Key) -> str:
    """A path of keys with dots between, quoted where TOML needs it."""
    return ".".join(key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key) for key in path)


def _lines(table: Mapping[str, Any], path: Key, comment: Callable[[Key], str]) -> Iterator[str]:
    """A table's own values, then its tables, each under its header."""
    values = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if path and (values or not table):
        yield f"\n[{dumps_key(path)}]"
    for key, value in values.items():
        words = comment((*path, key))
        yield f"{dumps_key((key,))} = {dumps_value(value)}{f'  # {words}' if words else ''}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, key), comment)


def _text(value: str) -> str:
    """JSON's escapes are TOML's, but for the delete character, which JSON leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


class _Encoder(toml.TomlEncoder):  # type: ignore[type-arg]
    def __init__(self) -> None:
        super().__init__()
        self.dump_funcs.update({str: _text, tuple: self.dump_list, dict: self._inline})

    def dump_value(self, v: Any) -> str:
        if type(v) not in self.dump_funcs:
            raise TypeError(f"TOML has no value for {v!r} ({type(v).__name__})")
        return str(self.dump_funcs[type(v)](v))

    def dump_list(self, v: Iterable[Any]) -> str:
        return f"[{', '.join(map(self.dump_value, v))}]"

    def _inline(self, table: dict[str, Any]) -> str:
        return "{" + ", ".join(f"{dumps_key((key,))} = {self.dump_value(value)}" for key, value in table.items()) + "}"


_ENCODER = _Encoder()
