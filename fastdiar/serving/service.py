"""What one worker of the server holds: a model that is ready, decoders, and a lane for each kind of request."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, TypeVar

import numpy as np
from anyio import CapacityLimiter, to_thread

from fastdiar.core.types import RATE, Diarization
from fastdiar.core.voices import KnownVoices, read_known
from fastdiar.diarization.channels import SPLIT
from fastdiar.diarization.diarizer import Diarizer, load
from fastdiar.serving.decoding import Decoders
from fastdiar.serving.problems import Problem
from fastdiar.serving.settings import ServeSettings

T = TypeVar("T")
RECENT = 0.1
"""The latest computation's share in how long one takes."""


class Lane:
    """Requests of one kind: so many are computed at once, so many wait, and the next is asked to come again."""

    def __init__(self, threads: int, most_waiting: int) -> None:
        self.inside = 0
        self._most = threads + most_waiting
        self._threads = threads
        self._limiter = CapacityLimiter(threads)
        self._mean = 1.0  # seconds of a computation, at first a guess

    @property
    def full(self) -> bool:
        """Whether the next request is turned away."""
        return self.inside >= self._most

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """A place in the lane; raises `Problem` 503 at once where it is full."""
        if self.full:
            raise Problem(
                503,
                "the server has as much to do as it takes on: come again",
                math.ceil(self.inside * self._mean / self._threads),
            )
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    async def compute(self, work: Callable[[], T]) -> T:
        """What `work` returns, from a thread, when it is its turn."""
        return await to_thread.run_sync(self._timed, work, limiter=self._limiter)

    def _timed(self, work: Callable[[], T]) -> T:
        begun = time.monotonic()
        try:
            return work()
        finally:
            self._mean += RECENT * (time.monotonic() - begun - self._mean)


class Service:
    """A worker's model and what it needs to answer with it. Short clips don't wait behind long recordings: each has its lane."""

    def __init__(self, settings: ServeSettings) -> None:
        """Load the model; raises `FastdiarError`."""
        self.settings = settings
        self.diarizer: Diarizer = load(settings.model)
        self.known: KnownVoices | None = None if settings.known is None else read_known(settings.known)
        if self.known is not None:
            self.known.expect(self.diarizer.model.bundle)
        self.decoders = Decoders(settings)
        self.clips = Lane(settings.threads, settings.most_waiting)
        self.recordings = Lane(settings.threads, settings.most_waiting)

    def warm_up(self) -> None:
        """Run everything once: the first request is then as fast as the others, and no two threads load a graph."""
        noise = np.random.default_rng(0).normal(0, 0.01, RATE).astype(np.float32)
        self.diarizer(noise, RATE)
        self.diarizer.model.voice(noise)
        if self.diarizer.model.bundle.labels:
            self.diarizer.model.classify(noise)

    def diarize(self, upload: BinaryIO, wished: Mapping[str, Any]) -> Diarization:
        """Who spoke when in an upload, `wished` being what `Diarizer` takes; raises `FastdiarError` and `Problem`."""
        samples = self.decoders.decode(upload, wished["channel"], 60 * self.settings.longest_minutes)
        channel = SPLIT if wished["channel"] == SPLIT else "mix"
        return self.diarizer(samples, RATE, **{**wished, "channel": channel}, known=self.known)

    def close(self) -> None:
        """End the decoders."""
        self.decoders.close()
