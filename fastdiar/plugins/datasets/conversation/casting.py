"""Who takes part in a meeting: voices from recordings of single speakers, all of them heard about equally often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import attrs
import numpy as np

from fastdiar.core.errors import DataError

Clip = Callable[[], np.ndarray]
"""Gives a clip's samples when it is asked: float32 `[samples]` at 16 kHz."""


@attrs.frozen
class Utterance:
    """What a speaker said in one clip of `seconds`."""

    clip: Clip
    corpus: str
    speaker: str
    session: str
    seconds: float


@attrs.frozen
class Voice:
    """One speaker's clips, of one session or of all, `seconds` together."""

    speaker: str
    corpus: str
    clips: tuple[Clip, ...]
    seconds: float


class Cast:
    """The voices there are, those of at least `least_seconds`; remembers who was heard."""

    def __init__(self, utterances: Iterable[Utterance], least_seconds: float) -> None:
        said = list(utterances)
        self._voices = [voice for voice in _voices(said, lambda each: each.speaker) if voice.seconds >= least_seconds]
        by_length = sorted(_voices(said, lambda each: (each.speaker, each.session)), key=lambda voice: voice.seconds)
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


def _voices(utterances: Iterable[Utterance], key: Callable[[Utterance], object]) -> list[Voice]:
    """The utterances of one key, as one voice each."""
    groups: dict[object, list[Utterance]] = defaultdict(list)
    for each in utterances:
        groups[key(each)].append(each)
    return [
        Voice(same[0].speaker, same[0].corpus, tuple(each.clip for each in same), sum(each.seconds for each in same))
        for same in groups.values()
    ]
