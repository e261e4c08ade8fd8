"""`GET /v1/health` and `/v1/ready`: does the server live, and can it answer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel

from fastdiar.serving.problems import Problem, described
from fastdiar.serving.service import Service

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The server lives; `model` is what it answers with."""

    status: str
    model: str


@router.get("/v1/health")
async def health(request: Request) -> Health:
    """Does the server live."""
    service: Service = request.app.state.service
    return Health(status="ok", model=service.model.bundle.name)


@router.get("/v1/ready", responses=described(503))
async def ready(request: Request) -> Health:
    """Can the server answer now: 503 while it has as much to do as it takes on."""
    service: Service = request.app.state.service
    if service.clips.full or service.recordings.full:
        raise Problem(503, "the server has as much to do as it takes on", 1)
    return Health(status="ready", model=service.model.bundle.name)
