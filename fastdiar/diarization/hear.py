"""Hear a chunk once: who is active in it, and the voices of its windows of solo speech."""

from __future__ import annotations

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

ACTIVITY = "activity: classes of its speakers"


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


def hear(model: Model, chunk: Chunk, settings: WalkSettings) -> Heard:
    """Encode a chunk, cut windows where one local speaker speaks alone, and embed them; raises `ModelError`."""
    grid, classes = model.bundle.frames, powerset(model.bundle.activity.speakers, model.bundle.activity.at_once)
    activity, frames, begin = _encode(model, chunk, classes)
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


def _encode(model: Model, chunk: Chunk, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Activity of the whole chunk, frames of the part it owns, and the recording's sample where those frames begin."""
    if model.one_pass:
        frames, activity = model.encode_with_activity(chunk.samples)
        _expect(model, ACTIVITY, len(classes), activity)
        return activity, frames, chunk.start
    activity = model.activity(chunk.samples)
    _expect(model, ACTIVITY, len(classes), activity)
    # Where two networks listen, only the first needs the overlap: the encoder hears each second once, if somebody speaks alone.
    first, last = nearest(model.bundle.activity, np.array(chunk.owned) - chunk.start, len(activity))
    if (solo(activity[first : last + 1], classes) < 0).all():
        return activity, np.zeros((0, model.bundle.frames.dim), np.float32), chunk.start
    begin = max(chunk.start, min(chunk.owned[0], chunk.owned[1] - SHORTEST_CONTEXT))
    return activity, model.encode(chunk.samples[begin - chunk.start : chunk.owned[1] - chunk.start]), begin


def _expect(model: Model, what: str, size: int, found: np.ndarray) -> None:
    """That a graph's answer `[…, size]` is what the manifest says."""
    if found.shape[-1] != size:
        raise ModelError(f"{model.folder / MANIFEST}: {what}: {size} by the manifest, {found.shape[-1]} by the graph")
