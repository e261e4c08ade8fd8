"""From a recording to turns, each second heard once. `walk` is the whole path, from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fastdiar.core import audio
from fastdiar.core.clustering import Clustering, Windows
from fastdiar.core.tables import Diarization as Settings
from fastdiar.core.types import RATE, Diarization, Recording
from fastdiar.diarization.chunks import cut
from fastdiar.diarization.hear import Heard, hear
from fastdiar.diarization.model import Model
from fastdiar.diarization.stitch import active, stitch
from fastdiar.diarization.turns import turns_of


def walk(
    recording: Recording,
    model: Model,
    settings: Settings,
    clustering: Clustering,
    min_speakers: int = 1,
    max_speakers: int | None = None,
    progress: Callable[[float, float | None], None] = lambda done, total: None,
) -> Diarization:
    """Who spoke when in `recording`; raises `AudioError`. `progress` is told the seconds heard and, where known, in all."""
    stream = audio.stream(recording)
    activity = model.bundle.activity
    length, step = _whole_hops(settings.chunk, activity.hop), _whole_hops(settings.chunk * (1 - settings.overlap), activity.hop)
    heard, end = [], 0
    for chunk in cut(stream.blocks, length, step, hop=round(activity.hop)):  # samples [≤ length]
        heard.append(hear(model, chunk, settings))  # activity [frames, classes], vectors [windows, dim]
        end = chunk.end
        progress(end / RATE, stream.seconds)
    windows = _windows(heard)  # vectors [all windows, dim]
    clusters = clustering(windows, min_speakers, max_speakers)  # labels [all windows]
    timeline = stitch(heard, clusters.labels, activity)  # people [frames of the recording, people]
    turns = turns_of(active(timeline, settings), timeline.people, activity, settings, end / RATE)
    return Diarization(recording.uri, tuple(turns), seconds=end / RATE, speakers_probability=clusters.probability)


def _windows(heard: Sequence[Heard]) -> Windows:
    return Windows(
        vectors=np.concatenate([chunk.vectors for chunk in heard]),
        seconds=np.concatenate([chunk.seconds for chunk in heard]),
        chunk=np.repeat(np.arange(len(heard)), [len(chunk.local) for chunk in heard]),
        local=np.concatenate([chunk.local for chunk in heard]),
    )


def _whole_hops(seconds: float, hop: float) -> int:
    return round(seconds * RATE / hop) * round(hop)
