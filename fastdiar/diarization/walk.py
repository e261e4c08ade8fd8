"""From a recording to turns, each second heard once. `walk` and `told_apart` are the whole path, from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice

import attrs
import numpy as np

from fastdiar.core import audio
from fastdiar.core.bundle import Activity
from fastdiar.core.clustering import Clustering, Clusters, Windows
from fastdiar.core.errors import AudioError, ModelError
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE, Diarization, Recording
from fastdiar.diarization.chunks import Chunk, cut
from fastdiar.diarization.hear import Heard, hear_each
from fastdiar.diarization.model import Model
from fastdiar.diarization.stitch import active, stitch
from fastdiar.diarization.turns import turns_of
from fastdiar.diarization.unclear import with_unclear
from fastdiar.diarization.voices import voices_of

SHORTEST = RATE // 10
"""Samples; in less, no network hears anything."""
MOST_SPARE = 8
"""So many people more than asked for are looked for, where some of those found have no turn."""

Progress = Callable[[float, float | None], None]
"""Is told the seconds heard so far and, where the recording says, the seconds in all."""


@attrs.frozen
class Asked:
    """What is asked of the answer: how many people, one person at a time, and who spoke when if there was one person more."""

    min_speakers: int = 1
    max_speakers: int | None = None
    exclusive: bool = False
    runner_up: bool = False


def walk(
    recording: Recording,
    model: Model,
    settings: WalkSettings,
    clustering: Clustering,
    asked: Asked = Asked(),
    progress: Progress = lambda done, total: None,
) -> Diarization:
    """Who spoke when in `recording`; raises `AudioError` and `ModelError`."""
    # Per chunk: activity [frames, classes], vectors [windows, dim].
    heard = list(heard_chunks(recording, model, settings, progress))
    found = told_apart(recording.uri, heard, model, settings, clustering, asked)
    more = len(found.speakers) + 1  # where the number is wrong, it is too small far more often than too large
    if not asked.runner_up or not found.turns or (asked.max_speakers is not None and more > asked.max_speakers):
        return found
    one_more = attrs.evolve(asked, min_speakers=more, max_speakers=more)
    other = told_apart(recording.uri, heard, model, settings, clustering, one_more)
    return attrs.evolve(found, runner_up=other if len(other.speakers) == more else None)


def told_apart(
    uri: str, heard: Sequence[Heard], model: Model, settings: WalkSettings, clustering: Clustering, asked: Asked = Asked()
) -> Diarization:
    """Who spoke when in a recording whose chunks were all heard; `walk` with the hearing done. Raises `ModelError`."""
    windows = windows_of(heard)  # vectors [all windows, dim]
    answer = _answer(uri, heard, windows, model, settings, clustering, asked)
    # Somebody of a window or two may not be the likeliest in any frame, and has no turn: then one more is looked for.
    for least in range(asked.min_speakers + 1, min(asked.min_speakers + MOST_SPARE, len(windows)) + 1):
        if len(answer.speakers) >= asked.min_speakers:
            break
        most = None if asked.max_speakers is None else max(asked.max_speakers, least)
        more = attrs.evolve(asked, min_speakers=least, max_speakers=most)
        other = _answer(uri, heard, windows, model, settings, clustering, more)
        if len(answer.speakers) < len(other.speakers) <= (asked.max_speakers or len(other.speakers)):
            answer = other
    return answer


def _answer(
    uri: str,
    heard: Sequence[Heard],
    windows: Windows,
    model: Model,
    settings: WalkSettings,
    clustering: Clustering,
    asked: Asked,
) -> Diarization:
    """Windows to people, people to frames, frames to turns."""
    seconds = heard[-1].end / RATE
    found = clustering(windows, asked.min_speakers, asked.max_speakers)  # labels [all windows]
    clusters = _kept_promise(found, windows, clustering)
    activity = model.bundle.activity
    chunks, people_of = with_unclear(heard, windows, clusters.labels, activity)  # people [windows and unclear voices]
    timeline = stitch(chunks, people_of, activity)  # people [frames of the recording, people]
    speaking = active(timeline, settings, 1 if asked.exclusive else 2)
    turns, people = turns_of(speaking, timeline.people, activity, settings, seconds)
    sure = round(clusters.probability, 3) if turns and asked.min_speakers != asked.max_speakers else None
    voices = voices_of(turns, people, windows, clusters.labels)  # vector [dim] of each
    return Diarization(uri, tuple(turns), seconds=seconds, speakers_probability=sure, voices=voices)


def heard_chunks(
    recording: Recording, model: Model, settings: WalkSettings, progress: Progress = lambda done, total: None
) -> Iterator[Heard]:
    """Hear a recording two chunks at a time, holding their samples and frames only; raises `AudioError`.

    Two at a time, as a recurrent network then takes a sixth less of processor for each; more than two gain nothing.
    """
    stream = audio.stream(recording)
    chunks = cut(stream.blocks, *chunk_sizes(settings, model.bundle.activity))
    for pair in hear_each(model, _pairs(chunks, stream.name), settings):
        yield from pair
        progress(pair[-1].end / RATE, stream.seconds)


def _pairs(chunks: Iterable[Chunk], name: str) -> Iterator[list[Chunk]]:
    """Chunks of one length by twos; raises `AudioError` where no network would hear anything in them."""
    for _, alike in groupby(chunks, key=lambda chunk: len(chunk.samples)):
        while pair := list(islice(alike, 2)):
            if pair[-1].end < SHORTEST:
                raise too_short(name, pair[-1].end)
            yield pair


def chunk_sizes(settings: WalkSettings, activity: Activity) -> tuple[int, int, int]:
    """How the walk cuts: samples of a chunk, from one chunk's start to the next, and of a frame."""
    length, step = (_whole_hops(seconds, activity.hop) for seconds in (settings.chunk, settings.chunk * (1 - settings.overlap)))
    return length, step, round(activity.hop)


def too_short(name: str, samples: int) -> AudioError:
    """What is said of a recording in which no network hears anything."""
    heard, least = (f"{1000 * count // RATE} ms" for count in (samples, SHORTEST))
    return AudioError(f"{name}: holds only {heard} of sound: expected at least {least}")


def windows_of(heard: Sequence[Heard]) -> Windows:
    """The windows of all chunks, in order."""
    return Windows(
        vectors=np.concatenate([chunk.vectors for chunk in heard]),
        seconds=np.concatenate([chunk.seconds for chunk in heard]),
        chunk=np.repeat(np.arange(len(heard)), [len(chunk.local) for chunk in heard]),
        local=np.concatenate([chunk.local for chunk in heard]),
    )


def _kept_promise(clusters: Clusters, windows: Windows, clustering: Clustering) -> Clusters:
    """The clusters, where they are what `Clusters` promises; clusterings may be anybody's."""
    labels = np.asarray(clusters.labels)
    people = np.unique(labels)
    if labels.shape != (len(windows),) or labels.dtype.kind not in "iu" or not np.array_equal(people, np.arange(len(people))):
        raise ModelError(
            f"clustering {type(clustering).__name__}: promised a label for each of {len(windows)} windows, whole numbers from 0 "
            f"without gaps, gave {labels.dtype} {list(labels.shape)}, {len(people)} different ones up to {labels.max(initial=-1)}"
        )
    return clusters


def _whole_hops(seconds: float, hop: float) -> int:
    return max(1, round(seconds * RATE / hop)) * round(hop)
