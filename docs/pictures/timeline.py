"""Draw a reference over what was found: python docs/pictures/timeline.py REFERENCE.rttm FOUND.rttm PICTURE.png"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes

from fastdiar.core.formats import read_rttm
from fastdiar.core.types import Turn


def main(reference: str, found: str, picture: str) -> None:
    """Two timelines of one recording, one above the other."""
    panels = {"reference": _turns(reference), "fastdiar": _turns(found)}
    heights = [len({turn.speaker for turn in turns}) for turns in panels.values()]
    figure, axes = pyplot.subplots(2, figsize=(10, 3.2), sharex=True, height_ratios=heights, layout="constrained")
    for (title, turns), axis in zip(panels.items(), axes, strict=True):
        _draw(axis, title, turns)
    axes[-1].set_xlim(left=0)
    axes[-1].set_xlabel("seconds")
    figure.savefig(picture, dpi=100)


def _turns(path: str) -> list[Turn]:
    (turns,) = read_rttm(Path(path)).values()
    return sorted(turns)


def _draw(axis: Axes, title: str, turns: Sequence[Turn]) -> None:
    """One row a speaker, in order of first words."""
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    for turn in turns:
        row = speakers.index(turn.speaker)
        axis.barh(row, turn.duration, left=turn.start, height=0.7, color=f"C{row}")
    axis.set_yticks(range(len(speakers)), speakers)
    axis.invert_yaxis()
    axis.set_title(title, loc="left", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main(*sys.argv[1:])
