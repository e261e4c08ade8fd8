"""Errors as problem details: `application/problem+json` with type, title, status and detail (RFC 9457)."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from fastdiar.core.errors import FastdiarError, ModelError

MEDIA_TYPE = "application/problem+json"
AGAIN_SECONDS = 5
"""Until what cannot be reached may be there again."""


class Problem(HTTPException):
    """An answer that is an error: `detail` says what a person can do about it; `retry_after` (seconds) when to come again."""

    def __init__(
        self, status: int, detail: str, retry_after: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        after = {} if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(status, detail, {**after, **(headers or {})})


class Unreachable(Exception):
    """Another server that this one needs does not answer."""


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["recording: is empty: 0 bytes"])


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI description says of these errors."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def answer(error: HTTPException) -> Response:
    """An error as it goes over the wire."""
    title = HTTPStatus(error.status_code).phrase
    content = {"type": "about:blank", "title": title, "status": error.status_code, "detail": error.detail}
    return Response(json.dumps(content), error.status_code, error.headers, MEDIA_TYPE)


def parameters(request: Request) -> list[dict[str, Any]]:
    """What the OpenAPI description says of a request's parameters."""
    described = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    return described.get("parameters", [])


def install(app: FastAPI) -> None:
    """Have `app` answer every error with problem details."""

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        return answer(error if isinstance(error, Problem) else _placed(request, error))

    @app.exception_handler(RequestValidationError)
    async def of_parameters(request: Request, error: RequestValidationError) -> Response:
        return answer(Problem(422, "; ".join(_wrong(request, each) for each in error.errors())))

    @app.exception_handler(FastdiarError)
    async def of_recording(request: Request, error: FastdiarError) -> Response:
        if isinstance(error, ModelError):
            raise error
        return answer(Problem(422, str(error)))

    @app.exception_handler(ClientDisconnect)
    async def of_client(request: Request, error: ClientDisconnect) -> Response:
        return answer(Problem(400, "the client went away"))

    @app.exception_handler(OSError)
    async def of_disk(request: Request, error: OSError) -> Response:
        if error.errno != errno.ENOSPC:
            raise error
        return answer(Problem(507, "the server has no room for the recording"))

    @app.exception_handler(Unreachable)
    async def of_others(request: Request, error: Unreachable) -> Response:
        return answer(Problem(503, "what keeps the jobs cannot be reached: come again", AGAIN_SECONDS))

    @app.exception_handler(Exception)
    async def of_server(request: Request, error: Exception) -> Response:  # who runs the application logs it
        return answer(Problem(500, "the server failed; its log says why"))


def _placed(request: Request, error: HTTPException) -> HTTPException:
    """An error of the router with the way to what there is."""
    ways = {404: "/docs lists what does", 405: f"ask with {(error.headers or {}).get('Allow')}"}
    if error.status_code not in ways:
        return error
    nothing = f"nothing answers {request.method} {request.url.path}: {ways[error.status_code]}"
    return HTTPException(error.status_code, nothing, error.headers)


def _wrong(request: Request, error: Mapping[str, Any]) -> str:
    """What is wrong with a parameter; where it does not match a pattern, what it is, since few people read patterns."""
    name = ".".join(map(str, error["loc"][1:]))
    words = {each["name"]: each.get("description") for each in parameters(request)}.get(name)
    return f"{name}: expected {words}" if words and error["type"] == "string_pattern_mismatch" else f"{name}: {error['msg']}"
