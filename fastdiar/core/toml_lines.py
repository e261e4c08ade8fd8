"""On which line a TOML file says what: `tomllib` tells no positions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from fastdiar.core.toml_text import Key

_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"""(?:"{0,2})'''  # a text over several lines; up to two quotes may stand before its closing ones
    r"""|'''.*?'''(?:'{0,2})"""
    r"""|"(?:\\.|[^"\\\n])*"|'[^'\n]*\'"""
    r"""|\#[^\n]*|[A-Za-z0-9_-]+|\n|[^\s]""",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Key, int]:
    """The line, from 1, of each table's header and each key of `text`, which must be valid TOML.

    Keys inside an inline table are left out: they stand where its own key does, or soon after.
    """
    lines: dict[Key, int] = {}
    table: Key = ()
    for line, tokens in _statements(text):
        if tokens[0] == "[":
            table = _path(tokens)
            lines.setdefault(table, line)
        else:
            key = _path(tokens[: tokens.index("=")])
            for end in range(1, len(key) + 1):
                lines.setdefault((*table, *key[:end]), line)
    return lines


def key_path(text: str) -> Key | None:
    """`a."b c".d` as `("a", "b c", "d")`; None where it is no key."""
    try:
        table: Any = tomllib.loads(f"{text} = 0")
    except (ValueError, RecursionError):
        return None
    path: Key = ()
    while isinstance(table, dict) and len(table) == 1:
        ((key, table),) = table.items()
        path = (*path, key)
    return path if table == 0 else None


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Headers and assignments as their tokens, each with the line it begins on."""
    line, begun, depth = 1, 1, 0
    tokens: list[str] = []
    for match in _TOKEN.finditer(f"{text}\n"):
        token = match.group()
        if token == "\n" and depth == 0 and tokens:
            yield begun, tokens
            tokens = []
        elif token != "\n" and token[0] != "#":
            begun = begun if tokens else line
            depth += (token in "[{") - (token in "]}")
            tokens.append(token)
        line += token.count("\n")


def _path(tokens: list[str]) -> Key:
    """The keys of a header or of the left side of an assignment, unquoted."""
    return tuple(
        next(iter(tomllib.loads(f"{token} = 0"))) if token[0] in "\"'" else token
        for token in tokens
        if token not in ("[", "]", ".")
    )
