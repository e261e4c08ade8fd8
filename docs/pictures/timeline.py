"""Draw a reference over what was found: python docs/pictures/timeline.py REFERENCE.rttm FOUND.rttm PICTURE.png"""

from __future__ import annotations

import sys
from pathlib import Path

from fastdiar.core.formats import read_rttm
from fastdiar.core.types import Turn
from fastdiar.evaluation.diarization import same_people
from fastdiar.evaluation.report.pictures import style, timeline


def main(reference: str, found: str, picture: str) -> None:
    """Two timelines of one recording, one above the other."""
    panels = {"reference": _turns(reference), "fastdiar": _turns(found)}
    people = same_people(*panels.values())
    with style(**{"savefig.transparent": False}):
        timeline(panels, dict(zip(panels, people, strict=True))).savefig(picture, dpi=100)


def _turns(path: str) -> list[Turn]:
    (turns,) = read_rttm(Path(path)).values()
    return turns


if __name__ == "__main__":
    main(*sys.argv[1:])
