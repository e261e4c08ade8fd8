"""Sound as it comes in, at any rate: made float32 `[samples]` at 16 kHz, and cut into hops."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from fastdiar.core.audio import RATES
from fastdiar.core.errors import AudioError
from fastdiar.core.types import RATE


class Intake:
    """Takes samples of any number at `rate` Hz, gives hops of `hop` samples at 16 kHz. Raises `AudioError`."""

    def __init__(self, rate: int, hop: int) -> None:
        if not RATES[0] <= rate <= RATES[1]:
            raise AudioError(f"a sampling rate of {rate} Hz cannot be right: expected {RATES[0]} to {RATES[1]} Hz")
        self._resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32")
        self._hop = hop
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """The hops that are whole with `samples` more: int16, or float in -1…1, `[samples]` or `[samples, channels]`."""
        mono = _mono(samples)
        self._rest = np.concatenate([self._rest, mono if self._resampler is None else self._resampler.resample_chunk(mono)])
        while len(self._rest) >= self._hop:
            block, self._rest = self._rest[: self._hop], self._rest[self._hop :]
            yield block

    def finish(self) -> np.ndarray:
        """What is left, shorter than a hop or a little longer."""
        if self._resampler is None:
            return self._rest
        return np.concatenate([self._rest, self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)])


def pcm(data: bytes, channels: int = 1) -> np.ndarray:
    """Little-endian 16-bit PCM as int16 `[samples, channels]`; raises `AudioError` where a sample is cut."""
    if len(data) % (2 * channels):
        raise AudioError(f"{len(data)} bytes are not whole 16-bit samples of {channels} channels")
    return np.frombuffer(data, "<i2").reshape(-1, channels)


def _mono(samples: np.ndarray) -> np.ndarray:
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fi" or (samples.dtype.kind == "i" and samples.itemsize != 2):
        raise AudioError(f"expected int16 or float [samples] or [samples, channels], got {samples.dtype} {list(samples.shape)}")
    scaled = samples.astype(np.float32) / (1 << 15 if samples.dtype.kind == "i" else 1)
    mono = scaled if scaled.ndim == 1 else scaled.mean(axis=1)
    if not np.isfinite(mono).all():
        raise AudioError("holds samples that are not numbers (NaN or infinite)")
    return mono
