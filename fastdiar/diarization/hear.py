"""Hear chunks once: who is active in them, and the voices of their windows of solo speech."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import chain, pairwise

import attrs
import numpy as np

from fastdiar.core.bundle import MANIFEST
from fastdiar.core.errors import ModelError
from fastdiar.core.powerset import likeliest, powerset, solo
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE
from fastdiar.diarization.chunks import Chunk
from fastdiar.diarization.frames import centres, nearest
from fastdiar.diarization.model import Model
from fastdiar.diarization.windows import solo_windows, unclear_voices

SHORTEST_CONTEXT = 3 * RATE
"""Samples that the encoder hears at least, where the chunk is long enough; the part a chunk owns may be shorter."""
SHORTEST_UNCLEAR = 0.2
"""Seconds that a local speaker without a window must speak to be embedded at all."""
Encoded = tuple[np.ndarray, int]
"""Frames `[frames, dim]`, and the recording's sample where they begin."""


@attrs.frozen(eq=False)
class Unclear:
    """Local speakers without a window, from all they say, others beside them or not: `vectors` float32 `[voices, dim]`.

    `local` int `[voices]`, and the middle of what each says, `centre` float `[voices]` (samples of the recording).
    """

    vectors: np.ndarray
    local: np.ndarray
    centre: np.ndarray


@attrs.frozen(eq=False)
class Heard:
    """What is kept of a chunk once its frames are freed.

    `activity` float16 `[frames, classes]`, from sample `start` to `end` of the recording. Per window of solo speech: `vectors`
    float32 `[windows, dim]`, local speaker `local` int `[windows]`, its middle `centre` float `[windows]` (samples of the
    recording), and `seconds` float `[windows]` of speech in it. `unclear` are the voices that have no window.
    """

    start: int
    end: int
    activity: np.ndarray
    vectors: np.ndarray
    local: np.ndarray
    centre: np.ndarray
    seconds: np.ndarray
    unclear: Unclear

    def earlier(self, samples: int) -> Heard:
        """The same in a recording that lacks the first `samples`."""
        unclear = attrs.evolve(self.unclear, centre=self.unclear.centre - samples)
        return attrs.evolve(
            self, start=self.start - samples, end=self.end - samples, centre=self.centre - samples, unclear=unclear
        )


def hear(model: Model, chunks: Sequence[Chunk], settings: WalkSettings, beside: Executor | None = None) -> list[Heard]:
    """Encode chunks of one length, cut windows where one local speaker speaks alone, and embed them; raises `ModelError`.

    Where two networks listen, the second waits for the first, and is spared what nobody says alone. With an executor `beside`
    it does not wait, and hears everything: sooner, for a little more work.
    """
    waveforms = _waveforms(chunks)
    if model.one_pass:
        frames, activity = model.encode_with_activity(waveforms)
        encoded = [(each, chunk.start) for each, chunk in zip(frames, chunks, strict=True)]
    elif beside:
        ahead = [beside.submit(_encode_owned, model, chunk) for chunk in chunks]
        activity = model.activity(waveforms)
        encoded = [each.result() for each in ahead]
    else:
        return _heard_in_turn(model, chunks, model.activity(waveforms), settings)
    return [_heard(model, *each, settings) for each in zip(chunks, activity, encoded, strict=True)]


def hear_each(model: Model, groups: Iterable[Sequence[Chunk]], settings: WalkSettings) -> Iterator[list[Heard]]:
    """`hear` each group of chunks of one length, in order; raises `ModelError`.

    Where two networks listen and the model may use two cores, the first hears the next group while the second hears this one.
    """
    if model.one_pass or model.threads < 2:
        for chunks in groups:
            yield hear(model, chunks, settings)
        return
    with ThreadPoolExecutor(1, "fastdiar-activity") as ahead:
        begun = ((chunks, ahead.submit(model.activity, _waveforms(chunks))) for chunks in groups)
        for (chunks, activity), _ in pairwise(chain(begun, [(None, None)])):
            yield _heard_in_turn(model, chunks, activity.result(), settings)


def _waveforms(chunks: Sequence[Chunk]) -> np.ndarray:
    return np.stack([chunk.samples for chunk in chunks])


def _heard_in_turn(model: Model, chunks: Sequence[Chunk], activity: np.ndarray, settings: WalkSettings) -> list[Heard]:
    """What is kept of chunks, given their activity; the frames of one are freed before the next is encoded."""
    return [
        _heard(model, chunk, found, _encode_if_alone(model, chunk, found), settings)
        for chunk, found in zip(chunks, activity, strict=True)
    ]


def _heard(model: Model, chunk: Chunk, activity: np.ndarray, encoded: Encoded, settings: WalkSettings) -> Heard:
    """What is kept of a chunk, given its activity and its frames."""
    grid = model.bundle.frames
    frames, begin = encoded
    middles = begin + centres(grid, len(frames))
    active = _active(model, activity)[nearest(model.bundle.activity, middles - chunk.start, len(activity))]
    active[(middles < chunk.owned[0]) | (middles >= chunk.owned[1])] = False
    per_second = RATE / grid.hop
    weights, local = solo_windows(
        solo(active),
        model.bundle.activity.speakers,
        length=round(settings.window * per_second),
        step=round(settings.step * per_second),
        shortest=round(settings.shortest_window * per_second),
        pause=round(settings.pause * per_second),
    )
    beside, unclear = unclear_voices(active, local, shortest=round(SHORTEST_UNCLEAR * per_second))
    count, weights = len(weights), np.concatenate([weights, beside])
    vectors = model.embed(frames, weights) if len(weights) else np.zeros((0, model.bundle.embedding), np.float32)
    _expect(model, "embedding", model.bundle.embedding, vectors)
    spoken = weights.sum(axis=1)
    centre = weights @ middles / np.maximum(spoken, 1)
    return Heard(
        chunk.start,
        chunk.end,
        activity.astype(np.float16),
        vectors[:count],
        local,
        centre[:count],
        spoken[:count] / per_second,
        Unclear(vectors[count:], unclear, centre[count:]),
    )


def _encode_if_alone(model: Model, chunk: Chunk, activity: np.ndarray) -> Encoded:
    """Frames of the part that a chunk owns, or none where nobody speaks alone in it."""
    first, last = nearest(model.bundle.activity, np.array(chunk.owned) - chunk.start, len(activity))
    if (solo(_active(model, activity)[first : last + 1]) < 0).all():
        return np.zeros((0, model.bundle.frames.dim), np.float32), chunk.start
    return _encode_owned(model, chunk)


def _active(model: Model, activity: np.ndarray) -> np.ndarray:
    """Which local speakers are active in each frame, by its likeliest class: bool `[frames, speakers]`."""
    classes = powerset(model.bundle.activity.speakers, model.bundle.activity.at_once)
    _expect(model, "activity: classes of its speakers", len(classes), activity)
    return likeliest(activity, classes)


def _encode_owned(model: Model, chunk: Chunk) -> Encoded:
    """Frames of the part that a chunk owns: where two networks listen, only the first needs the overlap."""
    begin = max(chunk.start, min(chunk.owned[0], chunk.owned[1] - SHORTEST_CONTEXT))
    return model.encode(chunk.samples[begin - chunk.start : chunk.owned[1] - chunk.start]), begin


def _expect(model: Model, what: str, size: int, found: np.ndarray) -> None:
    """That a graph's answer `[…, size]` is what the manifest says."""
    if found.shape[-1] != size:
        raise ModelError(f"{model.folder / MANIFEST}: {what}: {size} by the manifest, {found.shape[-1]} by the graph")
