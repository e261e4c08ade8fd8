"""What a person sees of a run: a bar in a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fastdiar.training.data import Loaded
from fastdiar.training.run import STAGES, Run

LINE_SECONDS = 30.0
"""From one line to the next within an epoch, where there is no terminal."""
NAMED = 5
"""Unreadable clips that are named; the rest is only counted, in the log."""


class Display:
    """Shows steps and epochs on standard error; `shown` is False in all processes but one."""

    def __init__(self, run: Run, shown: bool = True) -> None:
        self.run = run
        self._console = Console(stderr=True, quiet=not shown)
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(), console=self._console, disable=not (shown and self._console.is_terminal),
        )  # fmt: skip
        self._task = self._bar.add_task("", total=run.steps, completed=run.step, epoch=self._epoch, figures="")
        self._bad: set[str] = set()
        self._clips, self._began, self._spoke = 0, time.monotonic(), time.monotonic()
        self._first = run.step
        self._halvings = run.progress.halvings

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def step(self, loaded: Loaded, figures: Mapping[str, float]) -> None:
        """After a step: the epoch's figures so far."""
        self._clips += 0 if loaded.batch is None else len(loaded.batch.keys)
        self._name(loaded.bad)
        if self.run.progress.halvings > self._halvings:
            self._halvings = self.run.progress.halvings
            self._say(f"the loss is no number: back to step {self.run.step}, with half the learning rate")
        text = f"{describe(figures)}  {self._clips / (time.monotonic() - self._began):.0f} clips/s"
        self._bar.update(self._task, completed=self.run.step, epoch=self._epoch, figures=text)
        if self._bar.disable and time.monotonic() - self._spoke > LINE_SECONDS:
            left = (time.monotonic() - self._began) / max(1, self.run.step - self._first) * (self.run.steps - self.run.step)
            self._say(f"epoch {self._epoch}  step {self.run.step}/{self.run.steps}  {text}  {left / 60:.0f} min left")

    def epoch(self, line: Mapping[str, Any]) -> None:
        """After an epoch: its line of the log."""
        validated = {name.removeprefix("dev."): value for name, value in line.items() if name.startswith("dev.")}
        trained = {name: value for name, value in line.items() if f"dev.{name}" in line or not validated}
        warning = f"  {line['skipped_steps']} steps skipped: not a number" if line["skipped_steps"] else ""
        warning += f"  {line['unreadable']} clips unreadable" if line["unreadable"] else ""
        heard = f"epoch {line['epoch']}/{self.run.trainer.epochs}  {describe(trained)}"
        tested = f"  dev {describe(validated)}" if validated else ""
        spent = ", ".join(f"{kind} {line[f'{kind}_seconds']:.1f}" for kind in STAGES)
        self._say(f"{heard}{tested}  {line['seconds']:.0f} s ({spent}){'  best' if line['best'] else ''}{warning}")

    @property
    def _epoch(self) -> str:
        return f"{min(self.run.progress.epoch + 1, self.run.trainer.epochs)}/{self.run.trainer.epochs}"

    def _name(self, bad: tuple[str, ...]) -> None:
        for reason in bad:
            if reason not in self._bad and len(self._bad) < NAMED:
                self._say(f"skipped {reason}")
            self._bad.add(reason)

    def _say(self, text: str) -> None:
        self._spoke = time.monotonic()
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def describe(figures: Mapping[str, Any]) -> str:
    """The loss and the first accuracy, as a person reads them."""
    accuracy = [f"accuracy {value:.1%}" for name, value in figures.items() if name.endswith("accuracy")]
    loss = [f"loss {figures['loss']:.3f}"] if "loss" in figures else []
    return "  ".join([*loss, *accuracy[:1]])
