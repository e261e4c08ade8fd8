"""What one worker of the server holds: a model that is ready, decoders, and a lane for each kind of request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

import numpy as np
from anyio import CapacityLimiter

from fastdiar.core.errors import AudioError
from fastdiar.core.types import RATE, Diarization
from fastdiar.core.voices import KnownVoices, read_known
from fastdiar.diarization.channels import SPLIT
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.model import Model, find_model
from fastdiar.diarization.walk import SHORTEST
from fastdiar.serving import metrics
from fastdiar.serving.decoding import Decoders
from fastdiar.serving.lanes import Lane
from fastdiar.serving.problems import Problem
from fastdiar.serving.settings import ServeSettings


class Service:
    """A worker's model and what it needs to answer with it."""

    def __init__(self, settings: ServeSettings) -> None:
        """Load the model; raises `FastdiarError`."""
        self.settings = settings
        self.model = Model(find_model(settings.model))
        self._diarizer = None if self.model.bundle.activity is None else Diarizer(self.model)
        self._known: KnownVoices | None = None if settings.known is None else read_known(settings.known)
        if self._known is not None:
            self._known.expect(self.model.bundle)
        self._decoders = Decoders(settings)
        self.clips, self.recordings, self.jobs = (Lane(name, settings) for name in ("clips", "recordings", "jobs"))
        self.stream_threads = CapacityLimiter(settings.most_streams)
        self._streams = 0

    @property
    def diarizer(self) -> Diarizer:
        """What tells who spoke when; raises `Problem` 404 where the model cannot."""
        if self._diarizer is None:
            raise Problem(404, f"the model '{self.model.bundle.name}' does not say when somebody speaks: it cannot diarize")
        return self._diarizer

    @property
    def labels(self) -> tuple[str, ...]:
        """The speakers that the model was trained to tell apart; raises `Problem` 404 where there are none."""
        if not self.model.bundle.labels:
            raise Problem(
                404, f"the model '{self.model.bundle.name}' has no head for speakers: it cannot tell which of them speaks"
            )
        return self.model.bundle.labels

    @property
    def known(self) -> KnownVoices:
        """People who are enrolled; raises `Problem` 404 where nobody is."""
        if self._known is None:
            raise Problem(404, "nobody is enrolled: the server was started without --known")
        return self._known

    def expect_voices(self) -> None:
        """That the model makes vectors of voices; raises `Problem` 404."""
        if not self.model.bundle.embedding:
            raise Problem(404, f"the model '{self.model.bundle.name}' has no embeddings")

    def warm_up(self) -> None:
        """Run everything once: the first request is then as fast as the others, and no two threads load a graph."""
        self._decoders.begin(self.settings.threads)
        noise = np.random.default_rng(0).normal(0, 0.01, RATE).astype(np.float32)
        if self._diarizer is not None:
            self._diarizer(noise, RATE)
        if self.model.bundle.embedding:
            self.model.voice(noise)
        if self.model.bundle.labels:
            self.model.classify(noise)

    def clip(self, upload: BinaryIO) -> np.ndarray:
        """A clip of one person as float32 `[samples]` at 16 kHz; raises `AudioError` and `Problem`."""
        samples = self._decoded("clips", upload, "mix", self.settings.longest_clip)
        if len(samples) < SHORTEST:
            raise AudioError(f"recording: holds only {1000 * len(samples) // RATE} ms of sound")
        return samples

    def diarizing(
        self, wished: Mapping[str, Any], lane: str = "recordings", longest: float | None = None
    ) -> Callable[[BinaryIO], Diarization]:
        """What tells who spoke when in an upload of at most `longest` seconds, `wished` as `Diarizer` takes it.

        Raises `FastdiarError` and `Problem`.
        """
        longest = 60 * self.settings.longest_minutes if longest is None else longest
        diarizer, channel = self.diarizer, wished.get("channel", "mix")
        wished = {**wished, "channel": SPLIT if channel == SPLIT else "mix"}  # any other is chosen by the decoder

        def diarized(upload: BinaryIO) -> Diarization:
            samples = self._decoded(lane, upload, channel, longest)
            with metrics.timed(lane, "infer"):
                return diarizer(samples, RATE, **wished, known=self._known)

        return diarized

    @asynccontextmanager
    async def streaming(self) -> AsyncIterator[None]:
        """While a live stream is heard; raises `Problem` 503 where as many are as may be."""
        if self._streams >= self.settings.most_streams:
            raise Problem(503, f"the server hears {self._streams} streams, and no more at once: come again")
        self._streams += 1
        try:
            with metrics.INSIDE.labels("streams").track_inprogress():
                yield
        finally:
            self._streams -= 1

    def close(self) -> None:
        """End the decoders."""
        self._decoders.close()

    def _decoded(self, lane: str, upload: BinaryIO, channel: int | str, longest: float) -> np.ndarray:
        with metrics.timed(lane, "decode"):
            samples = self._decoders.decode(upload, channel, longest)
        metrics.AUDIO.labels(lane).inc(len(samples) / RATE)
        return samples
