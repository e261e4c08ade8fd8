"""Turns as text and as other libraries' objects, and back: `FORMATS` is the table of what there is.

Whatever a format cannot hold is left out; `docs/formats.md` says what that is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from fastdiar.core.errors import FormatError, nearest
from fastdiar.core.formats.audacity import format_audacity, read_audacity
from fastdiar.core.formats.neighbours import from_annotation, from_supervisions, to_annotation, to_supervisions
from fastdiar.core.formats.rttm import format_rttm, read_rttm, read_rttm_recordings, read_uem, without_blanks
from fastdiar.core.formats.subtitles import format_srt, format_vtt, read_srt, read_vtt
from fastdiar.core.formats.table import format_csv, read_csv
from fastdiar.core.formats.textgrid import format_textgrid, read_textgrid
from fastdiar.core.formats.trials import Trial, read_trials
from fastdiar.core.formats.turns_json import format_json, read_json
from fastdiar.core.types import Diarization

__all__ = [
    "FORMATS",
    "Format",
    "Trial",
    "format_json",
    "format_rttm",
    "from_annotation",
    "from_supervisions",
    "named_format",
    "read_rttm",
    "read_trials",
    "read_turns",
    "read_uem",
    "to_annotation",
    "to_supervisions",
    "without_blanks",
]


@frozen
class Format:
    """A way to write turns as text: what a file's name ends in, what a server calls it, and both directions.

    `write` takes one recording; `read` gives as many as a file holds, and raises `FormatError`.
    """

    name: str
    suffix: str
    media_type: str
    summary: str
    write: Callable[[Diarization], str]
    read: Callable[[Path], list[Diarization]]


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("rttm", ".rttm", "text/x-rttm", "NIST's lines, what scoring reads", format_rttm, read_rttm_recordings),
        Format("json", ".json", "application/json", "all there is, with confidences", format_json, read_json),
        Format("srt", ".srt", "application/x-subrip", "subtitles", format_srt, read_srt),
        Format("vtt", ".vtt", "text/vtt", "subtitles of the web, WebVTT", format_vtt, read_vtt),
        Format("textgrid", ".TextGrid", "text/x-textgrid", "Praat, a tier a speaker", format_textgrid, read_textgrid),
        Format("audacity", ".txt", "text/plain", "a label track of Audacity", format_audacity, read_audacity),
        Format("csv", ".csv", "text/csv", "a table, a row a turn", format_csv, read_csv),
    )
}
"""Every format, by its name."""


def named_format(path: Path | str) -> Format | None:
    """The format that a file's name ends in, in capital letters or not; None where it is none of them."""
    suffix = Path(path).suffix.lower()
    return next((each for each in FORMATS.values() if each.suffix.lower() == suffix), None)


def read_turns(path: Path, name: str | None = None) -> list[Diarization]:
    """The recordings of a file in the format `name`, or the one that its own name ends in, or RTTM; raises `FormatError`."""
    if name is not None and name not in FORMATS:
        raise FormatError(f"no format '{name}'{nearest(name, FORMATS)}: expected one of {', '.join(FORMATS)}")
    chosen = FORMATS[name] if name else named_format(path) or FORMATS["rttm"]
    return chosen.read(path)
