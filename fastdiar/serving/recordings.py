"""`POST /v1/diarize`: who spoke when in a recording."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from fastdiar.serving.answers import WRITERS, DiarizationAnswer, chosen, told
from fastdiar.serving.problems import described
from fastdiar.serving.service import Service
from fastdiar.serving.uploads import BODY, ERRORS

MOST_SPEAKERS = 50
TURNS: dict[int | str, dict[str, Any]] = {200: {"content": {name: {} for name in WRITERS}}}
"""What the OpenAPI description says of an answer that may be in any format."""
router = APIRouter(tags=["recordings"])
Embeddings = Annotated[bool, Query(description="in JSON, also each speaker's voice, a vector")]
Speakers = Annotated[int | None, Query(ge=1, le=MOST_SPEAKERS)]


def wishes(
    num_speakers: Speakers = None,
    min_speakers: Speakers = None,
    max_speakers: Speakers = None,
    exclusive: Annotated[bool, Query(description="one person at a time, the likelier of two")] = False,
    channel: Annotated[str, Query(pattern=r"^(mix|split|\d{1,3})$", description="a number from 0, mix, or split")] = "mix",
    name: Annotated[
        str, Query(min_length=1, max_length=100, description="what the recording is called in the answer")
    ] = "recording",
) -> dict[str, Any]:
    """What a person wants of a diarization, as `Diarizer` takes it."""
    return {
        "num_speakers": num_speakers,
        "min_speakers": min_speakers,
        "max_speakers": max_speakers,
        "exclusive": exclusive,
        "channel": int(channel) if channel.isdecimal() else channel,
        "uri": name,
    }


@router.post(
    "/v1/diarize",
    response_model=DiarizationAnswer,
    responses={**TURNS, **ERRORS, **described(406)},
    openapi_extra=BODY,
)
async def diarize(
    request: Request,
    wished: Annotated[dict[str, Any], Depends(wishes)],
    embeddings: Embeddings = False,
) -> Response:
    """Who spoke when in a recording; as JSON, or what else `Accept` asks for."""
    service: Service = request.app.state.service
    media_type = chosen(request.headers.get("accept", ""))
    found = await service.recordings.answer(request, service.diarizing(wished))
    return told(found, media_type, embeddings)
