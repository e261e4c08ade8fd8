"""The server's application: `create` makes it, and every part of it is put in here."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from anyio import to_thread
from fastapi import Depends, FastAPI
from fastapi.exceptions import WebSocketRequestValidationError
from fastapi_offline import FastAPIOffline

from fastdiar.core.errors import said
from fastdiar.serving import clips, health, metrics, page, problems, recordings, stream
from fastdiar.serving.jobs import endpoints as jobs
from fastdiar.serving.jobs.tables import job_table
from fastdiar.serving.limits import Gate
from fastdiar.serving.processes import end_with_parent
from fastdiar.serving.query import only_described
from fastdiar.serving.service import Service
from fastdiar.serving.settings import ServeSettings, handed_down


def create(settings: ServeSettings | None = None) -> FastAPI:
    """The application; with the settings that this process was started with, where none are given. Raises `FastdiarError`."""
    if settings is None:
        settings = handed_down()
        end_with_parent()
    app = FastAPIOffline(
        title="fastdiar",
        summary="Who spoke when.",
        version=version("fastdiar"),
        redoc_url=None,
        lifespan=_lifespan,
        static_url="/docs/static",
    )
    app.state.settings = settings
    app.add_middleware(Gate, settings=settings)
    app.add_middleware(metrics.Measured)
    problems.install(app)
    app.add_exception_handler(WebSocketRequestValidationError, stream.refuse)
    for part in (recordings, clips, jobs):
        app.include_router(part.router, dependencies=[Depends(only_described)])
    for part in (stream, health, metrics, page):
        app.include_router(part.router)
    app.openapi()  # made now, so that no request waits for it
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    metrics.forget_the_dead()
    service = app.state.service = Service(app.state.settings)
    app.state.jobs = job_table(service.settings, service.model.bundle)
    await to_thread.run_sync(service.warm_up)
    print(said("ready", f"worker {os.getpid()}"), file=sys.stderr, flush=True)
    yield
    service.close()
