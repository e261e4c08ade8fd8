"""Subtitles: SubRip (SRT) and WebVTT, a cue a turn.

SRT has no field for the speaker: a cue begins with `[name]`, as WhisperX writes it. WebVTT has one, the voice span `<v name>`
(W3C, WebVTT: The Web Video Text Tracks Format, 2019). Times are whole milliseconds.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from attrs import frozen

from fastdiar.core.errors import FormatError
from fastdiar.core.formats.text import numbered_lines, one_line, turn_of
from fastdiar.core.types import Diarization, Turn


@frozen
class Cue:
    """What stands on the screen from `start` to `end` (seconds): who speaks and, where it is known, what is said."""

    start: float
    end: float
    speaker: str
    text: str = ""


def format_srt(diarization: Diarization) -> str:
    """A cue a turn."""
    return srt(_cues(diarization))


def format_vtt(diarization: Diarization) -> str:
    """A cue a turn."""
    return vtt(_cues(diarization))


def srt(cues: Iterable[Cue]) -> str:
    """Cues as SubRip; a bracket in a name becomes a round one."""
    return "".join(
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_spoken(cue)}\n\n" for number, cue in enumerate(cues, 1)
    )


def vtt(cues: Iterable[Cue]) -> str:
    """Cues as WebVTT; where nothing is known of what is said, the speaker's name stands on the screen."""
    return "WEBVTT\n\n" + "".join(f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_voiced(cue)}\n\n" for cue in cues)


def read_srt(path: Path) -> list[Diarization]:
    """The cues as turns of one recording; raises `FormatError` where one names no speaker."""
    return _read(path, re.compile(r"\[([^\]]+)\]"), "[NAME]", str)


def read_vtt(path: Path) -> list[Diarization]:
    """The cues as turns of one recording; raises `FormatError` where one names no speaker."""
    first = next(numbered_lines(path), (1, ""))
    if not re.match(r"WEBVTT(\s|$)", first[1]):
        raise FormatError(f"{path}:{first[0]}: expected WEBVTT in the first line")
    return _read(path, re.compile(r"<v(?:\.[^\s>]*)*\s+([^>]+)>"), "<v NAME>", html.unescape)


_CLOCK = r"((?:\d{2,4}:)?[0-5]\d):([0-5]\d[.,]\d{3})"
_TIMES = re.compile(rf"\s*{_CLOCK}\s+-->\s+{_CLOCK}(?:\s.*)?")


def _cues(diarization: Diarization) -> Iterator[Cue]:
    return (Cue(turn.start, turn.end, turn.speaker) for turn in diarization.turns)


def _time(seconds: float, point: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{milliseconds:03}"


def _bracketed(name: str) -> str:
    return f"[{one_line(name).translate({ord('['): '(', ord(']'): ')'})}]"


def _spoken(cue: Cue) -> str:
    name = _bracketed(cue.speaker)
    return f"{name}: {one_line(cue.text)}" if cue.text else name


def _voiced(cue: Cue) -> str:
    return f"<v {_escaped(cue.speaker)}>{_escaped(cue.text or cue.speaker)}</v>"


def _escaped(text: str) -> str:
    return html.escape(one_line(text), quote=False)


def _read(path: Path, named: re.Pattern[str], expected: str, plain: Callable[[str], str]) -> list[Diarization]:
    """The speaker of a cue is what `named` finds at the beginning of its text; a further line may name another."""
    turns: list[Turn] = []
    times: tuple[str, str] | None = None
    first = False
    for number, line in numbered_lines(path):
        place, found = f"{path}:{number}", _TIMES.fullmatch(line)
        if found is not None:
            times, first = (_clock(found[1], found[2]), _clock(found[3], found[4])), True
            continue
        speaker = named.match(line.strip())
        if first and speaker is None:
            raise FormatError(f"{place}: names no speaker: expected {expected} at its beginning")
        turn = turn_of(place, *times, plain(speaker[1])) if times and speaker else None
        if turn is not None:
            turns.append(turn)
        first = False
    return [Diarization(path.stem, tuple(turns))]


def _clock(hours_minutes: str, seconds: str) -> str:
    """`01:02` and `03,5` as seconds."""
    whole = 0
    for part in hours_minutes.split(":"):
        whole = 60 * whole + int(part)
    return f"{60 * whole + float(seconds.replace(',', '.')):.3f}"
