"""What the server answers: who spoke when in the format that is asked for, and the other answers' fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from fastdiar.core.formats import FORMATS
from fastdiar.core.types import Diarization, Turn
from fastdiar.serving.problems import Problem

JSON = "application/json"
WRITERS: dict[str, Callable[[Diarization], str]] = {
    each.media_type: each.write for each in FORMATS.values() if each.media_type != JSON
}
"""Media types beside JSON, and what writes them."""


class TurnAnswer(BaseModel):
    """One person speaking from `start` to `end` (seconds)."""

    start: float
    end: float
    speaker: str
    confidence: float | None


class SpeakerAnswer(BaseModel):
    """A person found, the seconds that person speaks, and where asked for the voice, a vector of unit length."""

    speaker: str
    seconds: float
    embedding: list[float] | None = None


class DiarizationAnswer(BaseModel):
    """Who spoke when, as `fastdiar diarize --format json` writes it."""

    uri: str
    seconds: float | None
    speakers_probability: float | None
    speakers: list[SpeakerAnswer]
    turns: list[TurnAnswer]
    warnings: list[str]


def chosen(accept: str) -> str:
    """The media type that `Accept` prefers among those that can be written; raises `Problem` 406."""
    offers = [JSON, *WRITERS]
    wishes = [each.lower().replace(" ", "") for each in (accept or "*/*").split(",")]
    for wish in sorted(wishes, key=_quality, reverse=True):
        for offer in offers:
            if fnmatch(offer, wish.partition(";")[0]) and _quality(wish) > 0:
                return offer
    raise Problem(406, f"can be answered as {', '.join(offers)}")


def told(found: Diarization, media_type: str, embeddings: bool = False) -> Response:
    """A diarization as an answer; `embeddings` puts the voices into JSON."""
    if media_type != JSON:
        return Response(WRITERS[media_type](found), media_type=media_type)
    return Response(json.dumps(content(found, embeddings), ensure_ascii=False), media_type=JSON)


def content(found: Diarization, embeddings: bool = False) -> dict[str, Any]:
    """A diarization as a JSON object."""
    written: dict[str, Any] = json.loads(found.to_json())
    if embeddings:
        for each in written["speakers"]:
            each["embedding"] = vector(found.voices[each["speaker"]].vector)
    return written


def reread(written: Mapping[str, Any]) -> Diarization:
    """The diarization of what `content` made, without voices."""
    turns = tuple(Turn(**each) for each in written["turns"])
    return Diarization(written["uri"], turns, written["seconds"], written["speakers_probability"], tuple(written["warnings"]))


def vector(numbers: Any) -> list[float]:
    """A vector as JSON has it, to six places."""
    return [round(float(number), 6) for number in numbers]


def _quality(wish: str) -> float:
    """How much a media type with its parameters is wished for, 0 to 1."""
    found = re.search(r";q=([0-9.]{1,5})", wish)
    try:
        return float(found[1]) if found else 1.0
    except ValueError:
        return 0.0
