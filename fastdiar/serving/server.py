"""Running the server: its processes, and what they share."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import tempfile

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from fastdiar.core.errors import FastdiarError, said
from fastdiar.core.voices import read_known
from fastdiar.diarization.model import Model, find_model
from fastdiar.serving.jobs.tables import job_table
from fastdiar.serving.metrics import FOLDER
from fastdiar.serving.processes import kept_running
from fastdiar.serving.settings import ServeSettings, hand_down

TARGET = "fastdiar.serving.app:create"
GRACE_SECONDS = 30
"""For requests to be answered when the server is told to end."""


def serve(settings: ServeSettings, port: int, workers: int) -> None:
    """Answer requests until told to end; workers that die are started again. Raises `FastdiarError` where it cannot start."""
    _check(settings, port)
    hand_down(settings)
    multiprocessing.set_start_method("spawn", force=True)  # workers must not inherit libraries that have begun to work
    server = Granian(
        TARGET,
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=port,
        workers=workers,
        backpressure=settings.most_connections,
        http=HTTPModes.http1,  # guessing the version would wait for ever for a client that says nothing
        http1_settings=HTTP1Settings(header_read_timeout=round(1000 * settings.idle_seconds)),
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels.warning,  # it says that it listens before anybody can be answered: each worker says when it is ready
    )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(said("starting", f"http://{host}:{port} answers when a worker is ready; Ctrl-C ends it"), file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="fastdiar-counts-") as counts:
        os.environ[FOLDER] = counts
        with kept_running("fastdiar.serving.jobs.runner"):
            server.serve()


def _check(settings: ServeSettings, port: int) -> None:
    """What is wrong is told before any process starts."""
    settings.token()
    model = Model(find_model(settings.model))
    if settings.known is not None:
        read_known(settings.known).expect(model.bundle)
    job_table(settings, model.bundle)
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        socket.create_server((settings.host, port), family=family).close()
    except OSError as error:
        words = (error.strerror or str(error)).partition(" (while")[0]
        raise FastdiarError(
            f"{settings.host}, port {port}: cannot be listened on: {words}: choose another with --port or --host"
        ) from None
