"""How far a long command is: a bar in a terminal, lines elsewhere, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from fastdiar.core.errors import said

LINE_SECONDS = 15.0
"""From one line to the next, where there is no terminal."""


class Progress:
    """Told what is being done, how much of it and of how much; shows the rate and the time left.

    `amount` puts a number into words, such as "1,200" or "3.4 MB"; `rate` so many a second, where that is not "3.4 MB/s".
    """

    def __init__(self, amount: Callable[[float], str] = "{:,.0f}".format, rate: Callable[[float], str] | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._amount, self._rate = amount, rate or (lambda a_second: f"{amount(a_second)}/s")
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[text]}"))
        terminal = self._console.is_terminal
        self._bar = Bar(*columns, TimeRemainingColumn(), console=self._console, transient=True, disable=not terminal)
        self._what, self._task = "", self._bar.add_task("", visible=False, text="")

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def __call__(self, what: str, done: float, total: float) -> None:
        """So much of `what` is done; a total of 0 is one that is not known, and one that is a guess may change."""
        now = time.monotonic()
        if what != self._what:
            self._what, self._first, self._began, self._spoke = what, done, now, now
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=total or None, completed=done, text="")
        pace = (done - self._first) / max(now - self._began, 1e-3)
        text = f"{self._amount(done)} of {self._amount(total)}" if total else self._amount(done)
        text += f", {self._rate(pace)}" if pace else ""
        self._bar.update(self._task, completed=done, total=total or None, text=text)
        if self._bar.disable and now - self._spoke > LINE_SECONDS:
            self._spoke = now
            left = f", {(total - done) / pace / 60:.0f} min left" if pace and total else ""
            self._console.print(f"{what}: {text}{left}", highlight=False, markup=False, soft_wrap=True)

    def warn(self, words: str) -> None:
        """A line that stays, above the bar where there is one."""
        self._console.print(said("warning", words), highlight=False, markup=False, soft_wrap=True)


@contextmanager
def bars() -> Iterator[Any]:
    """Bars on standard error, one for each set that is heard; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def watch(what: str, count: int) -> Any:
            task = progress.add_task(what, total=count)
            return lambda done: progress.update(task, completed=done)

        yield watch
