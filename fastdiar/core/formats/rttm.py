"""NIST's formats: turns in RTTM, stretches to score in UEM.

RTTM: `SPEAKER uri channel start duration <NA> <NA> speaker <NA> <NA>` (NIST, Rich Transcription 2009 evaluation plan, app. A).
UEM: `uri channel start end`. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fastdiar.core.errors import FormatError
from fastdiar.core.formats.text import numbered_lines, seconds_of
from fastdiar.core.types import Diarization, Turn

RTTM_TYPES = frozenset(
    (
        "SPEAKER",
        "SPKR-INFO",
        "LEXEME",
        "NON-LEX",
        "NON-SPEECH",
        "SEGMENT",
        "NOSCORE",
        "NO_RT_METADATA",
        "FILLER",
        "EDIT",
        "IP",
        "SU",
        "CB",
        "A/P",
    )
)
"""What an RTTM line may begin with; only SPEAKER lines are turns."""


def format_rttm(diarization: Diarization) -> str:
    """One line a turn; blanks in the uri and in names become `_`."""
    uri = without_blanks(diarization.uri)
    return "".join(
        f"SPEAKER {uri} 1 {turn.start:.3f} {turn.duration:.3f} <NA> <NA> {without_blanks(turn.speaker)} <NA> <NA>\n"
        for turn in diarization.turns
    )


def read_rttm(path: Path) -> dict[str, list[Turn]]:
    """Turns by uri; raises `FormatError` with file, line and what was expected."""
    turns: dict[str, list[Turn]] = {}
    for number, fields in fields_of(path):
        if fields[0] not in RTTM_TYPES:
            raise FormatError(f"{path}:{number}: expected an RTTM line, such as SPEAKER uri 1 …, got '{fields[0][:20]}'")
        if fields[0] != "SPEAKER":
            continue
        if len(fields) < 8:
            raise FormatError(f"{path}:{number}: expected at least 8 fields of a SPEAKER line, got {len(fields)}")
        place = f"{path}:{number}"
        start, duration = seconds_of(place, "start", fields[3]), seconds_of(place, "duration", fields[4])
        heard = turns.setdefault(fields[1], [])
        if duration > 0:
            heard.append(Turn(start, start + duration, fields[7]))
    return turns


def read_rttm_recordings(path: Path) -> list[Diarization]:
    """What `read_rttm` gives, a recording each; a file without turns is one recording without any."""
    turns = read_rttm(path) or {path.stem: []}
    return [Diarization(uri, tuple(spoken)) for uri, spoken in turns.items()]


def read_uem(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Stretches to score, by uri; raises `FormatError` with file, line and what was expected."""
    stretches: dict[str, list[tuple[float, float]]] = {}
    for number, fields in fields_of(path):
        place = f"{path}:{number}"
        if len(fields) != 4:
            raise FormatError(f"{place}: expected 4 fields (uri channel start end), got {len(fields)}")
        start, end = seconds_of(place, "start", fields[2]), seconds_of(place, "end", fields[3])
        if end <= start:
            raise FormatError(f"{place}: the end {end:g} s does not come after the start {start:g} s")
        stretches.setdefault(fields[0], []).append((start, end))
    return stretches


def fields_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """A line's number and its fields, without lines of comment; raises `FormatError`."""
    return ((number, line.split()) for number, line in numbered_lines(path) if not line.startswith(";"))


def without_blanks(name: str) -> str:
    """`name` as one RTTM field."""
    return "_".join(name.split()) or "_"
