"""What is told while somebody speaks."""

from __future__ import annotations

import json
from typing import Any, Literal

import attrs

from fastdiar.core.types import Diarization

State = Literal["opened", "extended", "closed"]


@attrs.frozen
class TurnTold:
    """Turn number `turn` of the stream, as far as it is known `at` so many seconds; once closed, it grows no more."""

    at: float
    state: State
    turn: int
    start: float
    end: float
    speaker: str


@attrs.frozen
class Relabelled:
    """Turn number `turn` was said to be `before`, and is `speaker`'s."""

    at: float
    turn: int
    speaker: str
    before: str


@attrs.frozen
class Final:
    """Who spoke when in the whole stream, in place of all turns told before; people keep their names."""

    at: float
    diarization: Diarization


Event = TurnTold | Relabelled | Final


def to_json(event: Event) -> str:
    """An event as one line of JSON, without its end."""
    return json.dumps(_plain(event), ensure_ascii=False)


def _plain(event: Event) -> dict[str, Any]:
    if isinstance(event, TurnTold):
        return {"event": "turn", **attrs.asdict(event)}
    if isinstance(event, Relabelled):
        return {"event": "relabel", **attrs.asdict(event)}
    found = event.diarization
    turns = [attrs.asdict(turn) for turn in found.turns]
    return {"event": "final", "at": event.at, "seconds": found.seconds, "speakers": found.speakers, "turns": turns}
