"""What a diarization would be with a perfect detector of speech: the reference's speech in place of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fastdiar.core.sessions import Stretch, joined
from fastdiar.core.types import Turn


def with_oracle_speech(hypothesis: Sequence[Turn], reference: Sequence[Turn]) -> list[Turn]:
    """Turns of `hypothesis` cut to where somebody speaks in `reference`; where it has nobody there, the nearest turn's speaker.

    What is left to be wrong is who speaks, and where several speak at once. Speakers are as they were found without the oracle.
    """
    speech = _union(reference)
    kept = [
        Turn(max(turn.start, start), min(turn.end, end), turn.speaker)
        for turn in hypothesis
        for start, end in speech
        if turn.start < end and turn.end > start
    ]
    found = _union(kept)
    holes = [hole for stretch in speech for hole in _holes(stretch, found)]
    return sorted([*kept, *(part for hole in holes for part in _filled(hole, hypothesis))])


def _union(turns: Sequence[Turn]) -> list[Stretch]:
    """Where anybody speaks, in order."""
    return joined(((turn.start, turn.end) for turn in turns), pause=0.0)


def _holes(stretch: Stretch, found: Sequence[Stretch]) -> Iterator[Stretch]:
    """What `found` leaves of a stretch."""
    start, end = stretch
    for first, last in found:
        if first < end and last > start:
            if first > start:
                yield start, first
            start = max(start, last)
    if start < end:
        yield start, end


def _filled(hole: Stretch, hypothesis: Sequence[Turn]) -> Iterator[Turn]:
    """A hole given to the turn that ends nearest before it and the one that starts nearest after it, each the nearer half."""
    start, end = hole
    before = max((turn for turn in hypothesis if turn.start < end and turn.end <= start), key=lambda turn: turn.end, default=None)
    after = min((turn for turn in hypothesis if turn.start >= end), key=lambda turn: turn.start, default=None)
    if before is None and after is None:
        yield Turn(start, end, hypothesis[0].speaker if hypothesis else "speaker1")
        return
    middle = start if before is None else end if after is None else float(np.clip((before.end + after.start) / 2, start, end))
    if before is not None and middle > start:
        yield Turn(start, middle, before.speaker)
    if after is not None and middle < end:
        yield Turn(middle, end, after.speaker)
