"""Hear chunks once: who is active in them, and the voices of their windows of solo speech."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from fastdiar.core.bundle import MANIFEST
from fastdiar.core.errors import ModelError
from fastdiar.core.powerset import powerset, solo
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE
from fastdiar.diarization.chunks import Chunk
from fastdiar.diarization.frames import centres, nearest
from fastdiar.diarization.model import Model
from fastdiar.diarization.windows import solo_windows

SHORTEST_CONTEXT = 3 * RATE
"""Samples that the encoder hears at least, where the chunk is long enough; the part a chunk owns may be shorter."""


@attrs.frozen(eq=False)
class Heard:
    """What is kept of a chunk once its frames are freed.

    `activity` float16 `[frames, classes]`, from sample `start` to `end` of the recording. Per window of solo speech: `vectors`
    float32 `[windows, dim]`, local speaker `local` int `[windows]`, its middle `centre` float `[windows]` (samples of the
    recording), and `seconds` float `[windows]` of speech in it.
    """

    start: int
    end: int
    activity: np.ndarray
    vectors: np.ndarray
    local: np.ndarray
    centre: np.ndarray
    seconds: np.ndarray


def hear(model: Model, chunks: Sequence[Chunk], settings: WalkSettings) -> list[Heard]:
    """Encode chunks of one length, cut windows where one local speaker speaks alone, and embed them; raises `ModelError`."""
    waveforms = np.stack([chunk.samples for chunk in chunks])
    if model.one_pass:
        frames, activity = model.encode_with_activity(waveforms)
    else:
        frames, activity = [None] * len(chunks), model.activity(waveforms)
    return [_heard(model, *each, settings) for each in zip(chunks, activity, frames, strict=True)]


def _heard(model: Model, chunk: Chunk, activity: np.ndarray, frames: np.ndarray | None, settings: WalkSettings) -> Heard:
    """What is kept of a chunk, given its activity; `frames` None where another network than the activity's is to make them."""
    grid, classes = model.bundle.frames, powerset(model.bundle.activity.speakers, model.bundle.activity.at_once)
    _expect(model, "activity: classes of its speakers", len(classes), activity)
    begin = chunk.start
    if frames is None:
        frames, begin = _encode_owned(model, chunk, solo(activity, classes) >= 0)
    middles = begin + centres(grid, len(frames))
    alone = solo(activity, classes)[nearest(model.bundle.activity, middles - chunk.start, len(activity))]
    alone[(middles < chunk.owned[0]) | (middles >= chunk.owned[1])] = -1
    per_second = RATE / grid.hop
    weights, local = solo_windows(
        alone,
        classes.shape[1],
        length=round(settings.window * per_second),
        step=round(settings.step * per_second),
        shortest=round(settings.shortest_window * per_second),
        pause=round(settings.pause * per_second),
    )
    vectors = model.embed(frames, weights) if len(weights) else np.zeros((0, model.bundle.embedding), np.float32)
    _expect(model, "embedding", model.bundle.embedding, vectors)
    seconds = weights.sum(axis=1)
    centre = weights @ middles / np.maximum(seconds, 1)
    return Heard(chunk.start, chunk.end, activity.astype(np.float16), vectors, local, centre, seconds / per_second)


def _encode_owned(model: Model, chunk: Chunk, alone: np.ndarray) -> tuple[np.ndarray, int]:
    """Frames of the part that a chunk owns, if somebody is `alone` in it, and the recording's sample where those frames begin.

    Where two networks listen, only the first needs the overlap: the encoder hears each second once.
    """
    first, last = nearest(model.bundle.activity, np.array(chunk.owned) - chunk.start, len(alone))
    if not alone[first : last + 1].any():
        return np.zeros((0, model.bundle.frames.dim), np.float32), chunk.start
    begin = max(chunk.start, min(chunk.owned[0], chunk.owned[1] - SHORTEST_CONTEXT))
    return model.encode(chunk.samples[begin - chunk.start : chunk.owned[1] - chunk.start]), begin


def _expect(model: Model, what: str, size: int, found: np.ndarray) -> None:
    """That a graph's answer `[…, size]` is what the manifest says."""
    if found.shape[-1] != size:
        raise ModelError(f"{model.folder / MANIFEST}: {what}: {size} by the manifest, {found.shape[-1]} by the graph")
