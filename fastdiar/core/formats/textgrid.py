"""Praat's TextGrid in its long text form: a tier of intervals a speaker, named after them.

A tier's intervals do not overlap: turns of one person that do become one.
Boersma and Weenink, Praat manual, "TextGrid file formats".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fastdiar.core.errors import FormatError
from fastdiar.core.formats.text import one_line, whole
from fastdiar.core.types import Diarization, Turn


def format_textgrid(diarization: Diarization) -> str:
    """One tier a speaker, its intervals labelled with the speaker's name; all of them end where the recording does."""
    end = max([diarization.seconds or 0.0, *(turn.end for turn in diarization.turns)])
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.6f}"]
    lines += ["tiers? <exists>" if diarization.turns else "tiers? <absent>"]
    lines += [f"size = {len(diarization.speakers)}", "item []:"] if diarization.turns else []
    for number, speaker in enumerate(diarization.speakers, 1):
        intervals = list(_intervals(diarization, speaker, end))
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(speaker)}"]
        lines += ["        xmin = 0", f"        xmax = {end:.6f}", f"        intervals: size = {len(intervals)}"]
        for place, (start, stop, text) in enumerate(intervals, 1):
            lines += [f"        intervals [{place}]:", f"            xmin = {start:.6f}", f"            xmax = {stop:.6f}"]
            lines += [f"            text = {text}"]
    return "\n".join(lines) + "\n"


def read_textgrid(path: Path) -> list[Diarization]:
    """Every interval that is not blank as a turn of the person its tier is named after, whatever it says.

    As Praat does, only the free-standing numbers and texts are read, so that the short form is understood too.
    """
    values = _Values(path)
    if [values.text(), values.text()] != ["ooTextFile", "TextGrid"]:
        raise FormatError(f"{path}: expected a TextGrid of Praat, in text form")
    _, seconds, turns = values.number(), values.number(), []
    for _ in range(values.count() if values.flag() else 0):
        kind, speaker, _, _ = values.text(), values.text(), values.number(), values.number()
        for _ in range(values.count()):
            start = values.number()
            end = values.number() if kind == "IntervalTier" else start
            if values.text().strip() and end > start:
                turns.append(Turn(start, end, speaker))
    return [Diarization(path.stem, tuple(turns), seconds)]


class _Values:
    """The values of a TextGrid in order: texts in quotes, numbers and flags that stand by themselves."""

    PATTERN = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)(\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?)(?!\S)|<(exists|absent)>')

    def __init__(self, path: Path) -> None:
        self._path, self._text, self._place = path, whole(path), 0

    def text(self) -> str:
        return self._next(1, "a text in quotes").replace('""', '"')

    def number(self) -> float:
        return float(self._next(2, "a number of 0 or more"))

    def count(self) -> int:
        return int(self.number())

    def flag(self) -> bool:
        return self._next(3, "<exists> or <absent>") == "exists"

    def _next(self, group: int, expected: str) -> str:
        found = self.PATTERN.search(self._text, self._place)
        if found is not None:
            self._place = found.end()
        if found is None or found[group] is None:
            line = self._text.count("\n", 0, self._place) + 1
            raise FormatError(f"{self._path}:{line}: expected {expected}, as a TextGrid of Praat has it")
        return found[group]


def _intervals(diarization: Diarization, speaker: str, end: float) -> Iterator[tuple[float, float, str]]:
    """A tier's intervals from 0 to `end` without gaps, with what they say; nothing where nobody speaks."""
    done = 0.0
    for start, stop in _joined([turn for turn in diarization.turns if turn.speaker == speaker]):
        if start > done:
            yield done, start, '""'
        yield start, stop, _quoted(speaker)
        done = stop
    if done < end:
        yield done, end, '""'


def _joined(turns: list[Turn]) -> list[tuple[float, float]]:
    """Turns in order of their start as stretches that do not overlap."""
    stretches: list[tuple[float, float]] = []
    for turn in turns:
        if stretches and turn.start < stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], turn.end))
        else:
            stretches.append((turn.start, turn.end))
    return stretches


def _quoted(name: str) -> str:
    doubled = one_line(name).replace('"', '""')
    return f'"{doubled}"'
