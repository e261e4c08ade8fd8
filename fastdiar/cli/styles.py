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
    """The format that was asked for, or that the output's name ends in, or RTTM."""
    from fastdiar.core.formats import FORMATS, named_format

    return FORMATS[style] if style else named_format(output or "") or FORMATS["rttm"]
