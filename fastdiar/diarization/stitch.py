"""Chunks put together again: from local speakers and labelled windows to people over the whole recording."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from fastdiar.core.bundle import Activity
from fastdiar.core.powerset import powerset
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE
from fastdiar.diarization.frames import centres
from fastdiar.diarization.hear import Heard

NEARNESS = 1e-3
"""Weight of nearness in time: it only decides where no labelled window does, as for a voice that is heard in overlap alone."""


@attrs.frozen(eq=False)
class Timeline:
    """Per frame of the recording: `speech` and `overlap` probability `[frames]`, and each person's `[frames, people]`."""

    speech: np.ndarray
    overlap: np.ndarray
    people: np.ndarray


def stitch(heard: Sequence[Heard], labels: np.ndarray, activity: Activity) -> Timeline:
    """Average the chunks' probabilities; a local speaker's frame belongs to the person of that speaker's nearest window.

    The nearer to its middle, the more a chunk is believed: at its edges the network lacks half of the context.
    `labels` int `[windows]` are the people of all chunks' windows, in order.
    """
    classes = powerset(activity.speakers, activity.at_once)
    starts = [round(chunk.start / activity.hop) for chunk in heard]
    frames = max(start + len(chunk.activity) for start, chunk in zip(starts, heard, strict=True))
    people = np.zeros((frames, labels.max(initial=-1) + 1), np.float32)
    speech, overlap, weights = (np.zeros(frames, np.float32) for _ in range(3))
    several = classes.sum(axis=1)
    done = 0
    for start, chunk in zip(starts, heard, strict=True):
        here = slice(start, start + len(chunk.activity))
        weight = _from_edge(len(chunk.activity))
        probability = chunk.activity * weight[:, None]
        speech[here] += probability[:, several >= 1].sum(axis=1)
        overlap[here] += probability[:, several >= 2].sum(axis=1)
        weights[here] += weight
        _add_people(people[here], probability @ classes, chunk, labels[done : done + len(chunk.local)], activity)
        done += len(chunk.local)
    weights = np.maximum(weights, 1)
    centre = np.concatenate([chunk.centre for chunk in heard])
    near = nearness(centre, labels, people.shape[1], centres(activity, frames))
    people = people / weights[:, None] + NEARNESS * near
    return Timeline(speech / weights, overlap / weights, people)


def active(timeline: Timeline, settings: WalkSettings, at_once: int = 2) -> np.ndarray:
    """Who speaks in each frame, bool `[frames, people]`: nobody, the likeliest person, or up to `at_once` of them."""
    count = (timeline.speech > settings.speech).astype(int) + (timeline.overlap > settings.second_speaker)
    speaking = np.zeros(timeline.people.shape, bool)
    likely, rows = timeline.people.copy(), np.arange(len(count))
    for place in range(min(at_once, likely.shape[1])):
        person = likely.argmax(axis=1)
        speaking[rows, person] |= count > place
        likely[rows, person] = -1
    return speaking


def nearness(centre: np.ndarray, labels: np.ndarray, people: int, at: np.ndarray) -> np.ndarray:
    """How near each person's solo speech is to each time, float32 `[times, people]`: 1 at it, half of that a second away.

    Windows with the middles `centre` are of the people `labels`, all `[windows]`; `at` `[times]`, both in samples.
    """
    near = np.zeros((len(at), people), np.float32)
    for person in range(people):
        spoken = np.sort(centre[labels == person])
        after = np.clip(np.searchsorted(spoken, at), 1, len(spoken) - 1) if len(spoken) > 1 else np.zeros(len(at), int)
        distance = np.minimum(np.abs(spoken[after] - at), np.abs(spoken[after - 1] - at))
        near[:, person] = 1 / (1 + distance / RATE)
    return near


def _from_edge(frames: int) -> np.ndarray:
    """How many frames from the nearer edge each of a chunk's `frames` is, from 1: float32 `[frames]`."""
    place = np.arange(1, frames + 1, dtype=np.float32)
    return np.minimum(place, place[::-1])


def _add_people(people: np.ndarray, voices: np.ndarray, chunk: Heard, labels: np.ndarray, activity: Activity) -> None:
    """Add `voices [frames, local speakers]` of one chunk to the columns of the people they are, in place."""
    middles = chunk.start + activity.first + np.arange(len(voices)) * activity.hop
    for local in range(voices.shape[1]):
        mine = np.flatnonzero(chunk.local == local)
        if len(mine):
            order = mine[np.argsort(chunk.centre[mine])]
            between = (chunk.centre[order][1:] + chunk.centre[order][:-1]) / 2
            person = labels[order][np.searchsorted(between, middles)]
            people[np.arange(len(people)), person] += voices[:, local]
