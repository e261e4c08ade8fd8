"""Lanes: requests of one kind are computed so many at once, so many wait for so long, and the next is asked to come again."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import BinaryIO, TypeVar

from anyio import CapacityLimiter, Semaphore, move_on_after, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from fastdiar.serving import metrics
from fastdiar.serving.problems import Problem
from fastdiar.serving.settings import ServeSettings
from fastdiar.serving.uploads import received

T = TypeVar("T")
RECENT = 0.1
"""The latest computation's share in how long one takes."""
LONG_SECONDS = 1.0
"""Who waited so long is asked whether it is still there; in less, few go."""
TELLING_SECONDS = 0.01
"""For that to be told."""


class Lane:
    """Short clips don't wait behind long recordings: each kind has a lane of its own."""

    def __init__(self, name: str, settings: ServeSettings) -> None:
        self.name = name
        self._threads, self._most = settings.threads, settings.threads + settings.most_waiting
        self._upload_seconds, self._wait_seconds = settings.upload_seconds, settings.wait_seconds
        self._turns, self._limiter = Semaphore(settings.threads), CapacityLimiter(settings.threads)  # for each turn, a thread
        self._inside = 0
        self._mean = 1.0  # seconds of a computation, at first a guess

    @property
    def full(self) -> bool:
        """Whether the next request is turned away."""
        return self._inside >= self._most

    async def answer(self, request: Request, work: Callable[[BinaryIO], T]) -> T:
        """What `work` makes of a request's recording, from a thread, when it is its turn.

        Raises `Problem`: 503 at once where the lane is full, before anything of the recording is received, and 503 where its turn
        does not come in time. Nothing is computed for a client that has gone while it waited long.
        """
        async with self._entered():
            begun = time.perf_counter()
            async with received(request, self._upload_seconds) as upload:
                metrics.STAGE.labels(self.name, "receive").observe(time.perf_counter() - begun)
                asked = time.perf_counter()
                async with self._turn():
                    waited = time.perf_counter() - asked
                    metrics.STAGE.labels(self.name, "wait").observe(waited)
                    if waited >= LONG_SECONDS and await _has_gone(request):
                        raise ClientDisconnect
                    return await to_thread.run_sync(self._timed, lambda: work(upload), limiter=self._limiter)

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[None]:
        if self.full:
            raise self._come_again()
        self._inside += 1
        try:
            with metrics.INSIDE.labels(self.name).track_inprogress():
                yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        # Who waits longer than clients do would be computed for nobody, and everybody behind would wait for that too.
        with move_on_after(self._wait_seconds) as waiting:
            await self._turns.acquire()
        if waiting.cancelled_caught:
            raise self._come_again()
        try:
            yield
        finally:
            self._turns.release()

    def _come_again(self) -> Problem:
        wait = math.ceil(self._inside * self._mean / self._threads)
        return Problem(503, "the server has as much to do as it takes on: come again", wait)

    def _timed(self, work: Callable[[], T]) -> T:
        begun = time.perf_counter()
        try:
            return work()
        finally:
            self._mean += RECENT * (time.perf_counter() - begun - self._mean)


async def _has_gone(request: Request) -> bool:
    """Whether the client of a request, whose body was received, has closed the connection."""
    with move_on_after(TELLING_SECONDS):  # the server's own threads tell it, if they can, so that it is never there at once
        return (await request.receive())["type"] == "http.disconnect"
    return False
