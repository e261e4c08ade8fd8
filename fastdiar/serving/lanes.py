"""Lanes: requests of one kind are computed so many at once, so many wait, and the next is asked to come again."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import BinaryIO, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from fastdiar.serving import metrics
from fastdiar.serving.problems import Problem
from fastdiar.serving.settings import ServeSettings
from fastdiar.serving.uploads import received

T = TypeVar("T")
RECENT = 0.1
"""The latest computation's share in how long one takes."""


class Lane:
    """Short clips don't wait behind long recordings: each kind has a lane of its own."""

    def __init__(self, name: str, settings: ServeSettings) -> None:
        self.name = name
        self._threads, self._most = settings.threads, settings.threads + settings.most_waiting
        self._upload_seconds = settings.upload_seconds
        self._limiter = CapacityLimiter(settings.threads)
        self._inside = 0
        self._mean = 1.0  # seconds of a computation, at first a guess

    @property
    def full(self) -> bool:
        """Whether the next request is turned away."""
        return self._inside >= self._most

    async def answer(self, request: Request, work: Callable[[BinaryIO], T]) -> T:
        """What `work` makes of a request's recording, from a thread, when it is its turn.

        Raises `Problem`: 503 at once where the lane is full, before anything of the recording is received.
        """
        async with self._entered():
            begun = time.perf_counter()
            async with received(request, self._upload_seconds) as upload:
                metrics.STAGE.labels(self.name, "receive").observe(time.perf_counter() - begun)
                return await self._computed(lambda: work(upload))

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[None]:
        if self.full:
            wait = math.ceil(self._inside * self._mean / self._threads)
            raise Problem(503, "the server has as much to do as it takes on: come again", wait)
        self._inside += 1
        try:
            with metrics.INSIDE.labels(self.name).track_inprogress():
                yield
        finally:
            self._inside -= 1

    async def _computed(self, work: Callable[[], T]) -> T:
        asked = time.perf_counter()

        def timed() -> T:
            begun = time.perf_counter()
            metrics.STAGE.labels(self.name, "wait").observe(begun - asked)
            try:
                return work()
            finally:
                self._mean += RECENT * (time.perf_counter() - begun - self._mean)

        return await to_thread.run_sync(timed, limiter=self._limiter)
