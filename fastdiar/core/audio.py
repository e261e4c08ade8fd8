"""Reading any recording as mono float32 at 16 kHz, block by block, so that eight hours need no more memory than a minute."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import attrs
import numpy as np
import soundfile
import soxr

from fastdiar.core.errors import AudioError
from fastdiar.core.excerpts import evenly
from fastdiar.core.media import ends_too_soon, media_blocks, media_length, open_media
from fastdiar.core.types import RATE, Recording

SUFFIXES = frozenset(
    {".aac", ".aif", ".aiff", ".au", ".flac", ".m4a", ".mka", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".sph", ".wav", ".webm"}
)
"""What a recording's name ends in."""
BLOCK_SECONDS = 30
LEAD = 8 * 1152
"""Frames of an MP3 read before a block and thrown away: soundfile jumps after each read, and MP3 is wrong for a while after."""
RATES = (1_000, 768_000)
"""Sampling rates (Hz) outside these are a broken header, not a recording."""


def read(path: Path, start: float = 0.0, seconds: float | None = None, channel: int | str = "mix") -> np.ndarray:
    """A file, or `seconds` of it from `start`, as float32 `[samples]` at 16 kHz; raises `AudioError`.

    `channel` is a number from 0, or "mix" for the mean of all. Only the stretch is decoded where the format can be sought in;
    the file's end may cut it short. For what fits into memory: see `stream`.
    """
    return _samples(_from_file(path, start, seconds), seconds, channel)


def decode(data: bytes, name: str, start: float = 0.0, seconds: float | None = None, channel: int | str = "mix") -> np.ndarray:
    """What `read` gives, of a file that is in memory; `name` is what errors call it."""
    return _samples(_opened(io.BytesIO(data), name, start, seconds), seconds, channel)


def length(path: Path) -> float:
    """Seconds of sound in a file, by its header alone; raises `AudioError`."""
    try:
        header = soundfile.info(_regular(path))
        return float(header.frames / header.samplerate)
    except soundfile.LibsndfileError as error:
        return media_length(path, str(error.error_string).rstrip("."))


def rate(path: Path) -> int:
    """The sampling rate (Hz) that a file was recorded with, by its header alone; raises `AudioError`."""
    return _from_file(path).rate


def channels(recording: Recording) -> int:
    """How many channels a recording has, by its header alone; raises `AudioError`."""
    return _source(recording).channels


def recordings(folder: Path, opened: bool = False) -> list[Path]:
    """Every recording in a folder and all below, in an order that does not depend on the machine.

    Raises `AudioError` where there is none; with `opened` also where the header of one cannot be read.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise AudioError(f"{folder}: holds no recording ({', '.join(sorted(SUFFIXES))})")
    if opened:
        for path in files:
            rate(path)
    return files


def clips_of(folder: Path, count: int, seconds: float) -> list[np.ndarray]:
    """The middles of `count` of a folder's recordings, taken evenly, or of all where they are fewer: float32 `[samples]` each.

    Raises `AudioError`.
    """
    chosen = evenly(recordings(folder), count)
    return [read(path, max(0.0, (length(path) - seconds) / 2), seconds) for path in chosen]


@attrs.frozen(eq=False)
class Stream:
    """A recording being read: what errors call it, and blocks of float32 `[samples]` at 16 kHz.

    `seconds` is its length where the header tells it.
    """

    name: str
    seconds: float | None
    blocks: Iterator[np.ndarray]


def stream(recording: Recording) -> Stream:
    """Open a recording; raises `AudioError`, now or while its blocks are read, naming the file and the reason."""
    source = _source(recording)
    _check(source, recording.channel)
    seconds = None if source.frames is None else source.frames / source.rate
    return Stream(source.name, seconds, _resampled(source, recording.channel))


@attrs.frozen(eq=False)
class _Source:
    """Blocks of float32 `[frames, channels]` at the rate they were recorded with."""

    name: str
    rate: int
    channels: int
    frames: int | None
    blocks: Iterator[np.ndarray]


def _source(recording: Recording) -> _Source:
    return _from_samples(recording) if recording.path is None else _from_file(recording.path)


def _check(source: _Source, channel: int | str) -> None:
    if not RATES[0] <= source.rate <= RATES[1]:
        raise AudioError(
            f"{source.name}: a sampling rate of {source.rate} Hz cannot be right: expected {RATES[0]} to {RATES[1]} Hz"
        )
    if isinstance(channel, int) and not 0 <= channel < source.channels:
        there = "its only channel is 0" if source.channels == 1 else f"channels are 0 to {source.channels - 1}"
        raise AudioError(f"{source.name}: has no channel {channel}: {there}")


def _samples(source: _Source, seconds: float | None, channel: int | str) -> np.ndarray:
    _check(source, channel)
    samples = np.concatenate(list(_resampled(source, channel)))
    return samples if seconds is None else samples[: round(seconds * RATE)]


def _resampled(source: _Source, channel: int | str) -> Iterator[np.ndarray]:
    resampler = soxr.ResampleStream(source.rate, RATE, 1, dtype="float32")
    heard = 0
    for block in source.blocks:
        mixed = channel == "mix" and block.shape[1] > 1
        mono = block.mean(axis=1, dtype=np.float32) if mixed else block[:, 0 if channel == "mix" else int(channel)].copy()
        if not np.isfinite(mono).all():
            raise AudioError(f"{source.name}: holds samples that are not numbers (NaN or infinite)")
        heard += len(mono)
        yield mono if source.rate == RATE else resampler.resample_chunk(mono)
    if source.rate != RATE:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)
    if heard == 0:
        raise AudioError(f"{source.name}: holds no sound: 0 samples")
    if source.frames is not None and heard < source.frames:
        read, promised = heard / source.rate, source.frames / source.rate
        raise AudioError(f"{source.name}: broken: only {read:.2f} s of {promised:.2f} s can be read")


def _from_samples(recording: Recording) -> _Source:
    samples = np.asarray(recording.samples)
    if samples.ndim not in (1, 2) or samples.dtype.kind != "f":
        found = f"{samples.dtype} {list(samples.shape)}"
        raise AudioError(f"{recording.uri}: expected floating-point [samples] or [samples, channels] in -1…1, got {found}")
    if samples.ndim == 2 and samples.shape[1] > 64:
        raise AudioError(
            f"{recording.uri}: samples are [samples, channels]: {samples.shape[1]} channels look like a transposed array"
        )
    if not samples.size:
        raise AudioError(f"{recording.uri}: holds no sound: 0 samples")
    block = samples.reshape(len(samples), -1).astype(np.float32, copy=False)
    size = BLOCK_SECONDS * recording.rate
    blocks = (block[start : start + size] for start in range(0, len(block), size))
    return _Source(recording.uri, recording.rate, block.shape[1], len(block), blocks)


def _from_file(path: Path, start: float = 0.0, seconds: float | None = None) -> _Source:
    name = "standard input" if str(path) == "-" else str(path)
    return _opened(_standard_input() if str(path) == "-" else _regular(path), name, start, seconds)


def _opened(file: Path | BinaryIO, name: str, start: float = 0.0, seconds: float | None = None) -> _Source:
    try:
        sound = soundfile.SoundFile(file)
    except soundfile.LibsndfileError as error:
        return _from_media(file, name, str(error.error_string).rstrip("."), start, seconds)
    rate, frames, first = sound.samplerate, sound.frames, round(start * sound.samplerate)
    if first and first >= frames:
        raise ends_too_soon(name, frames / rate, start)
    count = frames - first if seconds is None else min(frames - first, round(seconds * rate))
    return _Source(name, rate, sound.channels, count, _sound_blocks(sound, name, first, count))


def _sound_blocks(sound: soundfile.SoundFile, name: str, first: int, count: int) -> Iterator[np.ndarray]:
    """`count` frames from `first` on; fewer where the file is cut off."""
    place, end = first, first + count
    with sound:
        try:
            while place < end:
                lead = min(place, LEAD) if sound.format == "MP3" else 0
                if lead or place == first:
                    sound.seek(place - lead)
                size = min(end - place, BLOCK_SECONDS * sound.samplerate)
                block = sound.read(lead + size, dtype="float32", always_2d=True)[lead:]
                if not len(block):
                    return
                place += len(block)
                yield block
        except soundfile.LibsndfileError as error:
            raise AudioError(f"{name}: broken: {error.error_string}") from None


def _regular(path: Path) -> Path:
    if not path.exists():
        raise AudioError(f"{path}: no such file")
    if path.is_dir():
        raise AudioError(f"{path}: is a folder, not a recording: give its files, such as {path / '*.wav'}")
    if path.is_file() and path.stat().st_size == 0:
        raise AudioError(f"{path}: is empty: 0 bytes")
    if not os.access(path, os.R_OK):
        raise AudioError(f"{path}: cannot be read: permission denied")
    return path


def _standard_input() -> BinaryIO:
    data = sys.stdin.buffer.read()
    if not data:
        raise AudioError("standard input: is empty: 0 bytes")
    return io.BytesIO(data)


def _from_media(file: Path | BinaryIO, name: str, reason: str, start: float, seconds: float | None) -> _Source:
    container = open_media(file, name, reason)
    codec = container.streams.audio[0].codec_context
    return _Source(name, codec.sample_rate, codec.layout.nb_channels, None, media_blocks(container, name, start, seconds))
