"""Recordings that libsndfile does not know (m4a, mp4, mkv, webm…), through PyAV."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fastdiar.core.errors import AudioError, MissingExtra

CONTAINERS = "3gp,aac,ac3,aiff,amr,asf,au,avi,caf,flac,flv,m4a,matroska,mov,mp3,mp4,mpeg,mpegts,nistsphere,ogg,wav,webm"
"""What PyAV may take a file for. Playlists are not among them: a stranger's would have us read other files, and addresses."""


def open_media(file: Path | BinaryIO, name: str, reason: str) -> Any:
    """An open container with sound in it; `reason` is why libsndfile would not have it.

    Raises `AudioError` that calls the file `name`, `MissingExtra` without PyAV.
    """
    try:
        import av
    except ImportError:
        if _is_media_container(file):
            raise MissingExtra(f"{name}: reading this format", "media") from None
        raise AudioError(f"{name}: not a recording that can be read: {reason}") from None
    try:
        container = av.open(file if isinstance(file, io.BytesIO) else str(file), options={"format_whitelist": CONTAINERS})
        if container.streams.audio:
            return container
        container.close()
    except (av.FFmpegError, ValueError):
        pass
    raise AudioError(f"{name}: not a recording that can be read: {reason}")


def media_length(path: Path, reason: str) -> float:
    """Seconds of sound in a file, by its header alone; raises as `open_media` does."""
    with open_media(path, str(path), reason) as container:
        if container.duration is None:
            raise AudioError(f"{path}: its header does not tell how long it is")
        return float(container.duration / 1e6)


def media_blocks(container: Any, name: str, start: float = 0.0, seconds: float | None = None) -> Iterator[np.ndarray]:
    """Blocks of float32 `[frames, channels]` of an open container, or of `seconds` of it from `start`; raises `AudioError`.

    Whatever comes before is decoded, too.
    """
    codec = container.streams.audio[0].codec_context
    blocks = _decoded(container, codec.layout.nb_channels, name)
    return _cut(blocks, name, codec.sample_rate, start, seconds) if start > 0 or seconds is not None else blocks


def ends_too_soon(name: str, seconds: float, start: float) -> AudioError:
    """What is said of a recording of so many `seconds` where a stretch from `start` on was asked for."""
    return AudioError(f"{name}: ends after {seconds:.2f} s, before the stretch at {start:.2f} s")


def _decoded(container: Any, channels: int, name: str) -> Iterator[np.ndarray]:
    import av

    resampler = av.AudioResampler(format="flt")
    with container:
        try:
            for frame in container.decode(audio=0):
                for part in resampler.resample(frame):
                    yield part.to_ndarray().reshape(-1, channels)
        except av.FFmpegError as error:
            raise AudioError(f"{name}: broken: {error.strerror}") from None


def _cut(blocks: Iterator[np.ndarray], name: str, rate: int, start: float, seconds: float | None) -> Iterator[np.ndarray]:
    """The blocks' frames from `start` on, for `seconds` or to the end."""
    first, place = round(start * rate), 0
    last = None if seconds is None else first + round(seconds * rate)
    for block in blocks:
        if place + len(block) > first:
            yield block[max(0, first - place) : None if last is None else last - place]
        place += len(block)
        if last is not None and place >= last:
            return
    if place <= first:
        raise ends_too_soon(name, place / rate, start)


def _is_media_container(file: Path | BinaryIO) -> bool:
    """Whether the first bytes are those of MP4/M4A, Matroska/WebM or raw AAC."""
    if isinstance(file, io.BytesIO):
        head = file.getvalue()[:12]
    else:
        with Path(str(file)).open("rb") as opened:
            head = opened.read(12)
    return head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3" or head[:2] in (b"\xff\xf1", b"\xff\xf9")
