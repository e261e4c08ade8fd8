"""The recording in a request: its body as it is, or the one file of a form; kept in a file without a name, gone when closed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

import anyio
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from fastdiar.core.errors import AudioError
from fastdiar.serving.problems import Problem, described

FIELD = "file"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A recording: wav, flac, ogg, opus, mp3, and with fastdiar[media] m4a, mp4, webm…",
        "content": {
            "application/octet-stream": _BINARY,
            "audio/*": _BINARY,
            "multipart/form-data": {
                "schema": {"type": "object", "required": [FIELD], "properties": {FIELD: {"type": "string", "format": "binary"}}}
            },
        },
    }
}
"""What the OpenAPI description says of such a request."""
ERRORS = described(400, 401, 403, 404, 408, 413, 422, 503, 507)
"""And of the errors that may come of it."""


@asynccontextmanager
async def received(request: Request, seconds: float) -> AsyncIterator[BinaryIO]:
    """The recording of a request; raises `AudioError` where there is none, `Problem` where it takes too many seconds."""
    form = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
    try:
        with anyio.fail_after(seconds) as waiting:
            upload = await (_from_form(request) if form else _from_body(request))
    except TimeoutError:
        if not waiting.cancelled_caught:
            raise
        raise Problem(408, f"the request took longer than {seconds:g} s to arrive") from None
    try:
        if not upload.seek(0, os.SEEK_END):
            raise AudioError("recording: is empty: 0 bytes")
        upload.seek(0)
        yield upload
    finally:
        upload.close()


async def _from_body(request: Request) -> BinaryIO:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `received`
    try:
        async for part in request.stream():
            file.write(part)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


async def _from_form(request: Request) -> BinaryIO:
    try:
        form = await request.form(max_files=1, max_fields=0)
    except HTTPException as error:
        raise Problem(400, f"expected a form with one file, in its field '{FIELD}', and nothing else: {error.detail}") from None
    upload = form.get(FIELD)
    if not isinstance(upload, UploadFile):
        raise Problem(422, f"the form has no file in its field '{FIELD}'")
    upload.file.fileno()  # has it written to a file, where it was small enough to stay in memory
    upload.file.flush()
    return upload.file
