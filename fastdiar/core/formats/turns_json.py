"""fastdiar's own JSON: all that is known of a recording but the voices.

An object with the recording, its speakers with their talk time, and its turns; and the runner-up's, where there is one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import field, frozen, validators

from fastdiar.core.checks import share
from fastdiar.core.formats.text import json_object, known_keys
from fastdiar.core.types import Diarization, Turn


def format_json(diarization: Diarization) -> str:
    """One object, over several lines."""
    content = {
        "uri": diarization.uri,
        "seconds": diarization.seconds,
        "speakers_probability": diarization.speakers_probability,
        **_people_and_turns(diarization),
        "warnings": list(diarization.warnings),
    }
    if diarization.runner_up is not None:
        content["runner_up"] = _people_and_turns(diarization.runner_up)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_json(path: Path) -> list[Diarization]:
    """What `format_json` wrote, as one recording; keys that it does not write are passed over. Raises `FormatError`."""
    read = known_keys(path, json_object(path, "what fastdiar diarize writes"), _Recording)
    uri = path.stem if read.uri is None else read.uri
    runner_up = None
    if read.runner_up is not None:
        second = known_keys(path, read.runner_up, _Recording, ("runner_up",))
        runner_up = Diarization(uri, _turns(path, second, ("runner_up",)), read.seconds)
    turns = _turns(path, read)
    return [Diarization(uri, turns, read.seconds, read.speakers_probability, tuple(read.warnings), runner_up=runner_up)]


@frozen
class _Recording:
    turns: list[Any]
    uri: str | None = None
    seconds: float | None = field(default=None, validator=validators.optional(validators.ge(0)))
    speakers_probability: float | None = field(default=None, validator=validators.optional(share))
    warnings: list[str] = field(factory=list)
    runner_up: Any = None


@frozen
class _Turn:
    start: float = field(validator=validators.ge(0))
    end: float = field()
    speaker: str
    confidence: float | None = field(default=None, validator=validators.optional(share))

    @end.validator
    def _after_start(self, attribute: Any, value: float) -> None:
        if value < self.start:
            raise ValueError(f"must not come before the start at {self.start:g} s: {value:g}")


def _turns(path: Path, read: _Recording, at: tuple[str, ...] = ()) -> tuple[Turn, ...]:
    turns = (known_keys(path, turn, _Turn, (*at, "turns", number)) for number, turn in enumerate(read.turns))
    return tuple(Turn(turn.start, turn.end, turn.speaker, turn.confidence) for turn in turns if turn.end > turn.start)


def _people_and_turns(diarization: Diarization) -> dict[str, Any]:
    talk = dict.fromkeys(diarization.speakers, 0.0)
    for turn in diarization.turns:
        talk[turn.speaker] += turn.duration
    return {
        "speakers": [{"speaker": speaker, "seconds": round(seconds, 3)} for speaker, seconds in talk.items()],
        "turns": [
            {"start": turn.start, "end": turn.end, "speaker": turn.speaker, "confidence": turn.confidence}
            for turn in diarization.turns
        ],
    }
