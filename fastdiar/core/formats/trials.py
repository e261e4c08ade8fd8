"""Lists of trials: `1 path path` where both are one voice, `0 path path` where they are two.

Nagrani, Chung and Zisserman, VoxCeleb, 2017.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from fastdiar.core.errors import FormatError
from fastdiar.core.formats.rttm import fields_of


@attrs.frozen
class Trial:
    """Two recordings, by the paths a list names them with, and whether they are of one voice."""

    same: bool
    one: str
    other: str


def read_trials(path: Path) -> list[Trial]:
    """Pairs to compare, in order; raises `FormatError` with file, line and what was expected."""
    trials = []
    for number, fields in fields_of(path):
        if len(fields) != 3 or fields[0] not in ("0", "1"):
            raise FormatError(f"{path}:{number}: expected a trial, '1 path path' for one voice or '0 path path' for two")
        trials.append(Trial(fields[0] == "1", fields[1], fields[2]))
    if not trials:
        raise FormatError(f"{path}: holds no trials: expected lines such as 1 path path")
    return trials
