"""Turns as text, and back: RTTM, UEM and JSON; and lists of trials.

RTTM: `SPEAKER uri channel start duration <NA> <NA> speaker <NA> <NA>` (NIST, Rich Transcription 2009 evaluation plan, app. A).
UEM: `uri channel start end`. Times are seconds.
Trials: `1 path path` where both are one voice, `0 path path` where they are two (Nagrani, Chung and Zisserman, VoxCeleb, 2017).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from fastdiar.core.errors import FormatError, MissingExtra
from fastdiar.core.types import Diarization, Turn

if TYPE_CHECKING:
    from pyannote.core import Annotation

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
LARGEST_FILE = 256 << 20
"""Bytes; a text file larger than this is not a list of turns or trials."""


@attrs.frozen
class Trial:
    """Two recordings, by the paths a list names them with, and whether they are of one voice."""

    same: bool
    one: str
    other: str


def format_rttm(diarization: Diarization) -> str:
    """One line a turn; blanks in the uri and in names become `_`."""
    uri = without_blanks(diarization.uri)
    return "".join(
        f"SPEAKER {uri} 1 {turn.start:.3f} {turn.duration:.3f} <NA> <NA> {without_blanks(turn.speaker)} <NA> <NA>\n"
        for turn in diarization.turns
    )


def format_json(diarization: Diarization) -> str:
    """An object with the recording, its speakers with their talk time, and its turns; and the runner-up's, where there is one."""
    content = {
        "uri": diarization.uri,
        "seconds": diarization.seconds,
        "speakers_probability": diarization.speakers_probability,
        **_people_and_turns(diarization),
        "warnings": list(diarization.warnings),
    }
    if diarization.runner_up is not None:
        content["runner_up"] = _people_and_turns(diarization.runner_up)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _people_and_turns(diarization: Diarization) -> dict[str, Any]:
    talk = dict.fromkeys(diarization.speakers, 0.0)
    for turn in diarization.turns:
        talk[turn.speaker] += turn.duration
    return {
        "speakers": [{"speaker": speaker, "seconds": round(seconds, 3)} for speaker, seconds in talk.items()],
        "turns": [
            {"start": turn.start, "end": turn.end, "speaker": turn.speaker, "confidence": turn.confidence}
            for turn in diarization.turns
        ],
    }


def to_annotation(diarization: Diarization) -> Annotation:
    """The turns as a `pyannote.core.Annotation`; raises `MissingExtra` without it."""
    try:
        from pyannote.core import Annotation, Segment
    except ImportError:
        raise MissingExtra("Annotation", "score") from None
    annotation = Annotation(uri=diarization.uri)
    for number, turn in enumerate(diarization.turns):
        annotation[Segment(turn.start, turn.end), number] = turn.speaker
    return annotation


def read_rttm(path: Path) -> dict[str, list[Turn]]:
    """Turns by uri; raises `FormatError` with file, line and what was expected."""
    turns: dict[str, list[Turn]] = {}
    for number, fields in _lines(path):
        if fields[0] not in RTTM_TYPES:
            raise FormatError(f"{path}:{number}: expected an RTTM line, such as SPEAKER uri 1 …, got '{fields[0][:20]}'")
        if fields[0] != "SPEAKER":
            continue
        if len(fields) < 8:
            raise FormatError(f"{path}:{number}: expected at least 8 fields of a SPEAKER line, got {len(fields)}")
        start, duration = (_seconds(path, number, name, fields[place]) for name, place in (("start", 3), ("duration", 4)))
        if duration > 0:
            turns.setdefault(fields[1], []).append(Turn(start, start + duration, fields[7]))
        else:
            turns.setdefault(fields[1], [])
    return turns


def read_uem(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Stretches to score, by uri; raises `FormatError` with file, line and what was expected."""
    stretches: dict[str, list[tuple[float, float]]] = {}
    for number, fields in _lines(path):
        if len(fields) != 4:
            raise FormatError(f"{path}:{number}: expected 4 fields (uri channel start end), got {len(fields)}")
        start, end = (_seconds(path, number, name, fields[place]) for name, place in (("start", 2), ("end", 3)))
        if end <= start:
            raise FormatError(f"{path}:{number}: the end {end:g} s does not come after the start {start:g} s")
        stretches.setdefault(fields[0], []).append((start, end))
    return stretches


def read_trials(path: Path) -> list[Trial]:
    """Pairs to compare, in order; raises `FormatError` with file, line and what was expected."""
    trials = []
    for number, fields in _lines(path):
        if len(fields) != 3 or fields[0] not in ("0", "1"):
            raise FormatError(f"{path}:{number}: expected a trial, '1 path path' for one voice or '0 path path' for two")
        trials.append(Trial(fields[0] == "1", fields[1], fields[2]))
    if not trials:
        raise FormatError(f"{path}: holds no trials: expected lines such as 1 path path")
    return trials


def without_blanks(name: str) -> str:
    """`name` as one RTTM field."""
    return "_".join(name.split()) or "_"


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise FormatError(f"{path}: larger than {LARGEST_FILE >> 20} MiB: not a list of turns or trials")
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip() and not line.startswith(";"):
                    yield number, line.split()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FormatError(f"{path}: not text (UTF-8)") from None


def _seconds(path: Path, number: int, name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise FormatError(f"{path}:{number}: {name} is '{text}': expected seconds, 0 or more")
    return seconds
