"""Who takes part in a meeting: voices from a table of recordings, all of them heard about equally often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import numpy as np

from fastdiar.core.errors import DataError


@attrs.frozen
class Voice:
    """One speaker's clips, of one session or of all, `seconds` together."""

    speaker: str
    corpus: str
    clips: tuple[Path, ...]
    seconds: float


class Cast:
    """The voices there are, those of at least `least_seconds`; remembers who was heard."""

    def __init__(self, rows: Iterable[Mapping[str, str]], root: Path, least_seconds: float) -> None:
        """`rows` have the columns path (relative to `root`), corpus, speaker, session and seconds."""
        rows = list(rows)
        self._voices = [voice for voice in _voices(rows, root, ("speaker",)) if voice.seconds >= least_seconds]
        by_length = sorted(_voices(rows, root, ("speaker", "session")), key=lambda voice: voice.seconds)
        longest = {voice.speaker: voice for voice in by_length if voice.seconds >= least_seconds}
        self._corpora: dict[str, list[Voice]] = defaultdict(list)
        for voice in sorted(longest.values(), key=lambda voice: voice.speaker):
            self._corpora[voice.corpus].append(voice)
        self._heard: Counter[str] = Counter()

    def choose(self, people: int, one_corpus: bool, random: np.random.Generator) -> tuple[Voice, ...]:
        """So many voices, those heard least first; with `one_corpus` of one corpus, each in its longest session."""
        choice = self._corpus(people, random) if one_corpus else self._voices
        if len(choice) < people:
            where = "in any one corpus" if one_corpus else "in all"
            raise DataError(f"a meeting of {people} people needs as many voices, of least_seconds each: there are fewer {where}")
        order = sorted(random.permutation(len(choice)), key=lambda place: self._heard[choice[place].speaker])
        chosen = tuple(choice[place] for place in order[:people])
        self._heard.update(voice.speaker for voice in chosen)
        return chosen

    def _corpus(self, people: int, random: np.random.Generator) -> list[Voice]:
        """A corpus with enough voices; large ones more often."""
        large = [voices for _, voices in sorted(self._corpora.items()) if len(voices) >= people]
        share = np.sqrt([len(voices) for voices in large])
        return large[random.choice(len(large), p=share / share.sum())] if large else []


def _voices(rows: Iterable[Mapping[str, str]], root: Path, columns: tuple[str, ...]) -> list[Voice]:
    """The rows that agree in `columns`, as one voice each."""
    groups: dict[tuple[str, ...], list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[column] for column in columns)].append(row)
    return [
        Voice(
            same[0]["speaker"],
            same[0]["corpus"],
            tuple(root / row["path"] for row in same),
            sum(float(row["seconds"]) for row in same),
        )
        for same in groups.values()
    ]
