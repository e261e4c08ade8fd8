"""`POST /v1/classify`, `/v1/embed` and `/v1/identify`: whose voice is it in a clip of one person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, BinaryIO

import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from fastdiar.core.types import RATE
from fastdiar.serving import metrics
from fastdiar.serving.answers import vector
from fastdiar.serving.service import Service
from fastdiar.serving.uploads import BODY, ERRORS

router = APIRouter(tags=["clips"])


class Guess(BaseModel):
    """A speaker that the model was trained on, and how probable it is that this is who speaks."""

    speaker: str
    probability: float


class Classified(BaseModel):
    """The likeliest speakers, the likeliest first."""

    speakers: list[Guess]


class Embedding(BaseModel):
    """A voice, a vector of unit length; of the whole clip, or of one `speaker` with so many `seconds` of speech."""

    speaker: str | None
    seconds: float
    embedding: list[float]


class Embedded(BaseModel):
    """Voices, and the model that they are of: only vectors of one `checksum` compare."""

    model: str
    checksum: str
    embeddings: list[Embedding]


class Likeness(BaseModel):
    """A person who is enrolled, and the cosine between that voice and the clip's."""

    name: str
    cosine: float


class Identified(BaseModel):
    """Who of those enrolled it is (null where nobody is alike enough, by `threshold`), and the likest, the likest first."""

    name: str | None
    threshold: float
    likest: list[Likeness]


Most = Annotated[int, Query(ge=1, le=1000, description="how many are told")]


@router.post("/v1/classify", responses=ERRORS, openapi_extra=BODY)
async def classify(request: Request, most: Most = 5) -> Classified:
    """Which of the speakers that the model was trained on speaks in a clip of 3 to 5 seconds."""
    service: Service = request.app.state.service
    labels = service.labels
    logits = await service.clips.answer(request, lambda upload: _inferred(service.model.classify, service.clip(upload)))
    odds = np.exp(logits - logits.max())
    best = np.argsort(-odds, kind="stable")[:most]
    return Classified(speakers=[Guess(speaker=labels[each], probability=float(odds[each] / odds.sum())) for each in best])


@router.post("/v1/embed", responses=ERRORS, openapi_extra=BODY)
async def embed(
    request: Request,
    per_speaker: Annotated[bool, Query(description="diarize a recording, and tell the voice of each speaker")] = False,
) -> Embedded:
    """The voice in a clip; or, of a recording, the voice of each speaker."""
    service: Service = request.app.state.service
    service.expect_voices()
    if per_speaker:
        found = await service.recordings.answer(request, service.diarizing({}))
        voices = [
            Embedding(speaker=name, seconds=each.seconds, embedding=vector(each.vector)) for name, each in found.voices.items()
        ]
    else:
        voices = [await _voice(request, service)]
    identity = service.model.bundle.identity
    return Embedded(model=identity.name, checksum=identity.checksum, embeddings=voices)


@router.post("/v1/identify", responses=ERRORS, openapi_extra=BODY)
async def identify(request: Request, most: Most = 5) -> Identified:
    """Who of those enrolled speaks in a clip. `POST /v1/diarize` names the people of a longer recording."""
    service: Service = request.app.state.service
    known, threshold = service.known.voices, service.diarizer.settings.known_cosine
    heard = await _voice(request, service)
    cosines = np.array([each.vector for each in known]).reshape(len(known), -1) @ np.array(heard.embedding)
    best = np.argsort(-cosines, kind="stable")[:most]
    likest = [Likeness(name=known[each].name, cosine=round(float(cosines[each]), 6)) for each in best]
    return Identified(
        name=likest[0].name if likest and likest[0].cosine >= threshold else None, threshold=threshold, likest=likest
    )


async def _voice(request: Request, service: Service) -> Embedding:
    """The voice in a clip of one person."""

    def heard(upload: BinaryIO) -> Embedding:
        clip = service.clip(upload)
        return Embedding(speaker=None, seconds=len(clip) / RATE, embedding=vector(_inferred(service.model.voice, clip)))

    return await service.clips.answer(request, heard)


def _inferred(model: Callable[[np.ndarray], np.ndarray], clip: np.ndarray) -> np.ndarray:
    with metrics.timed("clips", "infer"):
        return model(clip)
