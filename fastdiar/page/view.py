"""One recording as an HTML file that needs nothing else: its waveform, who spoke when and, above that, a reference."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import soundfile
from scipy.optimize import linear_sum_assignment

from fastdiar.core import audio
from fastdiar.core.types import RATE, Diarization, Recording, Turn
from fastdiar.page import HERE

TEMPLATE = HERE / "view.html"
MARK = "<!-- content -->"
"""Where the template takes in what is to be drawn."""
LONGEST_SOUND = 2 * 3600
"""Seconds; a longer recording is drawn without its sound, which would make a file that no browser opens."""
MOST_PEAKS = 20_000
"""Of the waveform, however long the recording is."""
TICK = RATE // 20
"""Samples that one peak is of, in a recording that is short enough."""


@attrs.frozen(eq=False)
class Heard:
    """A recording as a page takes it in: `peaks` float32 `[any number]` in 0…1, and its sound as Ogg Opus, where it has any."""

    seconds: float
    peaks: np.ndarray
    sound: bytes | None


def page(name: str, heard: Heard, found: Diarization, reference: Diarization | None = None) -> str:
    """The HTML file; what files and people say is in it as data alone."""
    content: dict[str, Any] = {
        "name": name,
        "seconds": heard.seconds,
        "turns": _plain(found.turns),
        "reference": None if reference is None else _plain(reference.turns),
        "same": {} if reference is None else same_people(reference.turns, found.turns),
        "peaks": [round(float(peak), 3) for peak in heard.peaks],
        "audio": None if heard.sound is None else {"type": "audio/ogg", "data": base64.b64encode(heard.sound).decode("ascii")},
    }
    data = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")
    before, _, after = TEMPLATE.read_text(encoding="utf-8").partition(MARK)
    return f'{before}<script type="application/json" id="content">{data}</script>{after}'


def hear(path: Path, sound: bool = True) -> Heard:
    """Read a recording block by block, with its sound where that is wanted and not too long; raises `AudioError`."""
    stream = audio.stream(Recording(path=path))
    loudest: list[np.ndarray] = []
    rest = np.zeros(0, np.float32)
    samples = 0
    kept = io.BytesIO()
    with soundfile.SoundFile(kept, "w", RATE, 1, format="OGG", subtype="OPUS") as file:
        for block in stream.blocks:
            samples += len(block)
            if sound and samples <= LONGEST_SOUND * RATE:
                file.write(block)
            rest = np.concatenate((rest, np.abs(block)))
            whole = len(rest) // TICK * TICK
            loudest.append(rest[:whole].reshape(-1, TICK).max(axis=1))
            rest = rest[whole:]
    peaks = np.concatenate([*loudest, rest.max(initial=0.0, keepdims=True)])  # [ticks]
    fits = sound and samples <= LONGEST_SOUND * RATE
    return Heard(samples / RATE, _fewer(peaks), kept.getvalue() if fits else None)


def same_people(reference: Sequence[Turn], found: Sequence[Turn]) -> dict[str, str]:
    """Of a reference's people, who they are among those found: the pairs that speak longest at the same time."""
    people, others = (list(dict.fromkeys(turn.speaker for turn in turns)) for turns in (reference, found))
    together = np.zeros((len(people), len(others)))  # seconds
    starts, ends = np.array([turn.start for turn in found]), np.array([turn.end for turn in found])
    owner = np.array([others.index(turn.speaker) for turn in found], dtype=int)
    for turn in reference:
        shared = np.maximum(np.minimum(ends, turn.end) - np.maximum(starts, turn.start), 0)  # [turns found]
        together[people.index(turn.speaker)] += np.bincount(owner, shared, len(others))
    pairs = zip(*linear_sum_assignment(together, maximize=True), strict=True)
    return {people[row]: others[column] for row, column in pairs if together[row, column] > 0}


def _plain(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    return [attrs.asdict(turn) for turn in turns]


def _fewer(peaks: np.ndarray) -> np.ndarray:
    """At most `MOST_PEAKS`, each the loudest of as many."""
    of_each = -(-len(peaks) // MOST_PEAKS)
    return np.maximum.reduceat(peaks, np.arange(0, len(peaks), of_each))
