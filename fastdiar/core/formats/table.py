"""A table in CSV: `recording,start,end,speaker,confidence`, a row a turn; times in seconds."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from fastdiar.core.errors import FormatError
from fastdiar.core.formats.text import seconds_of, turn_of, whole
from fastdiar.core.types import Diarization, Turn

COLUMNS = ("recording", "start", "end", "speaker", "confidence")
NEEDED = COLUMNS[1:4]


def format_csv(diarization: Diarization) -> str:
    """A row a turn below the names of the columns."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for turn in diarization.turns:
        sure = "" if turn.confidence is None else f"{turn.confidence:g}"
        table.writerow((diarization.uri, f"{turn.start:.3f}", f"{turn.end:.3f}", turn.speaker, sure))
    return text.getvalue()


def read_csv(path: Path) -> list[Diarization]:
    """Turns by recording, of a table that has columns start, end and speaker, in any order; raises `FormatError`."""
    rows = csv.DictReader(io.StringIO(whole(path), newline=""), strict=True)
    turns: dict[str, list[Turn]] = {}
    try:
        missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
        if missing:
            raise FormatError(f"{path}:1: has no column '{missing[0]}': expected {', '.join(COLUMNS)}")
        for row in rows:
            place = f"{path}:{rows.line_num}"
            if any(row[name] is None for name in NEEDED):
                raise FormatError(f"{place}: expected as many fields as there are columns")
            heard = turns.setdefault(row.get("recording") or path.stem, [])
            turn = turn_of(place, row["start"], row["end"], row["speaker"], _share(place, row.get("confidence")))
            if turn is not None:
                heard.append(turn)
    except csv.Error as error:
        raise FormatError(f"{path}:{rows.line_num}: not a table in CSV: {error}") from None
    return [Diarization(uri, tuple(spoken)) for uri, spoken in (turns or {path.stem: []}).items()]


def _share(place: str, text: str | None) -> float | None:
    if not text:
        return None
    value = seconds_of(place, "confidence", text)
    if value > 1:
        raise FormatError(f"{place}: confidence is '{text}': expected 0 to 1")
    return value
