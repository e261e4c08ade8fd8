"""Tables of figures on the terminal. What stands in them may be strangers' words: markup in it is not obeyed."""

from __future__ import annotations

import sys
from typing import Any

WIDEST = 10_000
"""Letters of a line where no terminal is: a file, or another program, has room for all of it."""


def table(title: str, first: str, *columns: str) -> Any:
    """A table whose first column may fold; the others hold figures."""
    from rich import box
    from rich.table import Column, Table
    from rich.text import Text

    right = [Column(name, justify="right", no_wrap=True) for name in columns]
    heads = (Column(first, overflow="fold"), *right)
    words = Text(title, "table.title", no_wrap=True, overflow="ignore")  # a narrow table does not fold it
    return Table(*heads, title=words, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def row(figures: Any, first: str, *cells: str) -> None:
    """Add a row to a table."""
    from rich.markup import escape

    figures.add_row(escape(first), *cells)


def show(*figures: Any) -> None:
    """Print tables, and lines; only a terminal, which has a width, folds them."""
    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=WIDEST)
    for each in figures:
        console.print(each, highlight=False)


def percent(share: float | None) -> str:
    """A share of 1 in per cent, or a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f}"
