"""Audacity's label tracks: `start TAB end TAB name`, seconds with six decimals."""

from __future__ import annotations

from pathlib import Path

from fastdiar.core.errors import FormatError
from fastdiar.core.formats.text import numbered_lines, one_line, turn_of
from fastdiar.core.types import Diarization


def format_audacity(diarization: Diarization) -> str:
    """One label a turn."""
    return "".join(f"{turn.start:.6f}\t{turn.end:.6f}\t{one_line(turn.speaker)}\n" for turn in diarization.turns)


def read_audacity(path: Path) -> list[Diarization]:
    """The labels as turns of one recording; labels of a point, and bounds of frequency, are passed over."""
    turns = []
    for number, line in numbered_lines(path):
        if line.startswith("\\"):
            continue
        fields, place = line.split("\t"), f"{path}:{number}"
        if len(fields) != 3:
            raise FormatError(f"{place}: expected a label of Audacity: start, end and name with tabs between")
        turn = turn_of(place, fields[0], fields[1], one_line(fields[2]))
        if turn is not None:
            turns.append(turn)
    return [Diarization(path.stem, tuple(turns))]
