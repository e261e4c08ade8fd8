"""Running the server: its processes, and what they share."""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces

from fastdiar.core.voices import read_known
from fastdiar.diarization.diarizer import load
from fastdiar.serving.settings import ServeSettings, hand_down

TARGET = "fastdiar.serving.app:create"
GRACE_SECONDS = 30
"""For requests to be answered when the server is told to end."""


def serve(settings: ServeSettings, port: int, workers: int) -> None:
    """Answer requests until told to end; workers that die are started again. Raises `FastdiarError` where it cannot start."""
    _check(settings)
    hand_down(settings)
    server = Granian(
        TARGET,
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=port,
        workers=workers,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=GRACE_SECONDS,
    )
    server.serve()


def _check(settings: ServeSettings) -> None:
    """What is wrong is told before any process starts."""
    settings.token()
    model = load(settings.model).model
    if settings.known is not None:
        read_known(settings.known).expect(model.bundle)
