"""What it brings to tell the number of people, and whether it is found: `python benchmarks/told_number.py SET [SET…]`.

SET is a folder of recordings with RTTM files (and UEM files, where only parts are to be scored). Every recording is heard once
and told apart again and again: alone, told how many people the reference has, and for every number up to `--most` as a number,
as a number with one person at a time, and as a minimum. DER is strict, pooled over each set.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs
from live import recordings

from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.types import Recording
from fastdiar.diarization.diarizer import Diarizer, load
from fastdiar.diarization.walk import Asked, heard_chunks, told_apart
from fastdiar.evaluation.diarization import Pair, Score, pooled, score


def main() -> None:
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", metavar="SET", type=Path, nargs="+")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--most", type=int, default=12)
    asked = parser.parse_args()
    diarizer = load(asked.model)
    for folder in asked.sets:
        alone, told, unmet = zip(*(measured(diarizer, *each, asked.most) for each in recordings(folder)), strict=True)
        before, after = (100 * (pooled(scores).der or 0) for scores in (alone, told))
        wishes = f"{sum(unmet)} of {3 * asked.most * len(unmet)} wishes not met"
        print(f"{folder.name}: DER alone {before:.1f}, told the number {after:.1f}; {wishes}", flush=True)


def measured(diarizer: Diarizer, path: Path, pair: Pair, most: int) -> tuple[Score, Score, int]:
    """The scores of one recording, alone and told the number, and how many wishes were not met."""
    model, settings, clustering = diarizer.model, diarizer.settings, diarizer.clustering
    heard = list(heard_chunks(Recording(path=path), model, settings))

    def people(asked: Asked) -> int:
        return len(told_apart(path.stem, heard, model, settings, clustering, asked).speakers)

    def scored(asked: Asked) -> Score:
        return score(attrs.evolve(pair, hypothesis=told_apart(path.stem, heard, model, settings, clustering, asked).turns))

    unmet = 0
    for number in range(1, most + 1):
        unmet += sum(people(Asked(number, number, exclusive=exclusive)) != number for exclusive in (False, True))
        unmet += people(Asked(number)) < number
    there = len({turn.speaker for turn in pair.reference})
    return scored(Asked()), scored(Asked(there, there)), unmet


if __name__ == "__main__":
    main()
