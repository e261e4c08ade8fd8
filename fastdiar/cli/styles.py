"""The formats of turns as options name them, known without importing what writes them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastdiar.core.formats import Format


class Style(StrEnum):
    """How turns are written: what `fastdiar.core.formats.FORMATS` lists."""

    rttm = "rttm"
    json = "json"
    srt = "srt"
    vtt = "vtt"
    textgrid = "textgrid"
    audacity = "audacity"
    csv = "csv"


def format_for(output: str | Path | None, style: Style | None) -> Format:
    """The format that was asked for, or that the output's name ends in; RTTM where it has no ending. Raises `FormatError`."""
    from fastdiar.core.errors import FormatError
    from fastdiar.core.formats import FORMATS, named_format

    if style is not None:
        return FORMATS[style]
    named = named_format(output or "")
    if (
        named is None
        and output is not None
        and Path(output).suffix
        and not str(output).endswith("/")
        and not Path(output).is_dir()
    ):
        endings = ", ".join(each.suffix for each in FORMATS.values())
        raise FormatError(
            f"{output}: its name does not end in a format of turns ({endings}): choose another, or say which it is (see --help)"
        )
    return named or FORMATS["rttm"]
