"""Words with their times, as Whisper and WhisperX write them, and who spoke them.

Both write `{"segments": [{"start", "end", "text", "words": [{"word", "start", "end", …}]}]}`; WhisperX leaves the times of a word
out that it could not align.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from attrs import field, frozen, validators

from fastdiar.core.errors import FormatError
from fastdiar.core.formats.subtitles import Cue, srt, vtt
from fastdiar.core.formats.text import json_object, known_keys
from fastdiar.core.types import Turn

EXPECTED = "what Whisper writes with word_timestamps, or WhisperX"


@frozen
class Word:
    """A word from `start` to `end` (seconds), spoken in `sentence` (a number); `speaker` is who said it, where that is known.

    Its text begins with a blank where one stands before it.
    """

    text: str
    start: float
    end: float
    sentence: int
    speaker: str | None = None


def read_words(path: Path) -> list[Word]:
    """The words of Whisper's or WhisperX's JSON, in order; raises `FormatError`.

    A word without times is where the one before it ends.
    """
    segments = known_keys(path, json_object(path, EXPECTED), _Transcript).segments
    words: list[Word] = []
    for number, each in enumerate(segments):
        segment = known_keys(path, each, _Segment, ("segments", number))
        if segment.words is None:
            raise FormatError(f"{path}: segments[{number}]: has no words: expected {EXPECTED}")
        before, rest = segment.start, segment.text
        for place, said in enumerate(segment.words):
            word = known_keys(path, said, _Word, ("segments", number, "words", place))
            start = before if word.start is None else word.start
            before = max(start, start if word.end is None else word.end)
            blank, _, rest = rest.partition(word.word.strip()) if word.word.strip() in rest else (" ", "", rest)
            words.append(Word(" " * bool(blank or not place) + word.word.strip(), start, before, number))
    return words


def assign(words: Iterable[Word], turns: Sequence[Turn]) -> list[Word]:
    """Each word with its speaker: who speaks longest while it is said, or the nearest where nobody does.

    Where two speak equally long, it is whoever said the word before. Without turns nobody is named.
    """
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    owner = np.array([speakers.index(turn.speaker) for turn in turns], dtype=int)
    starts, ends = np.array([turn.start for turn in turns]), np.array([turn.end for turn in turns])
    spoken: list[Word] = []
    before = -1
    for word in words:
        if speakers:
            before = _speaker(word, starts, ends, owner, len(speakers), before)
        spoken.append(attrs.evolve(word, speaker=speakers[before] if speakers else None))
    return spoken


def utterances(words: Iterable[Word]) -> Iterator[list[Word]]:
    """Words together that one person says in one sentence."""
    return (list(said) for _, said in groupby(words, key=lambda word: (word.sentence, word.speaker)))


def format_words_json(words: Iterable[Word]) -> str:
    """As WhisperX writes it: segments and words with a `speaker`."""
    segments = [{**_plain(said, "text"), "words": [_plain([word], "word") for word in said]} for said in utterances(words)]
    return json.dumps({"segments": segments}, indent=2, ensure_ascii=False) + "\n"


def format_words_text(words: Iterable[Word]) -> str:
    """A line for what somebody says until another does."""
    lines = (list(said) for _, said in groupby(words, key=lambda word: word.speaker))
    return "".join(f"{said[0].speaker or '?'}: {_text(said)}\n" for said in lines)


def format_words_srt(words: Iterable[Word]) -> str:
    """A cue an utterance."""
    return srt(_cues(words))


def format_words_vtt(words: Iterable[Word]) -> str:
    """A cue an utterance."""
    return vtt(_cues(words))


WORD_FORMATS = {
    "json": format_words_json,
    "srt": format_words_srt,
    "txt": format_words_text,
    "vtt": format_words_vtt,
}
"""How words with speakers are written, by what the file's name ends in."""


@frozen
class _Transcript:
    segments: list[Any]


@frozen
class _Segment:
    start: float = field(default=0.0, validator=validators.ge(0))
    text: str = ""
    words: list[Any] | None = None


@frozen
class _Word:
    word: str
    start: float | None = field(default=None, validator=validators.optional(validators.ge(0)))
    end: float | None = field(default=None, validator=validators.optional(validators.ge(0)))


def _speaker(word: Word, starts: np.ndarray, ends: np.ndarray, owner: np.ndarray, count: int, before: int) -> int:
    """The number of who says a word; `starts`, `ends` (seconds) and `owner` `[turns]`."""
    together = np.minimum(ends, word.end) - np.maximum(starts, word.start)  # [turns], below 0 where there is a gap
    if (together > 0).any():
        nearness = np.bincount(owner, np.maximum(together, 0), count)
    else:
        nearness = np.full(count, -np.inf)
        np.maximum.at(nearness, owner, together)
    best = nearness.max()
    return before if before >= 0 and nearness[before] >= best - 1e-6 else int(nearness.argmax())


def _plain(said: Sequence[Word], text: str) -> dict[str, Any]:
    return {text: _text(said), "start": said[0].start, "end": said[-1].end, "speaker": said[0].speaker}


def _text(said: Sequence[Word]) -> str:
    return "".join(word.text for word in said).strip()


def _cues(words: Iterable[Word]) -> Iterator[Cue]:
    return (Cue(said[0].start, said[-1].end, said[0].speaker or "?", _text(said)) for said in utterances(words))
