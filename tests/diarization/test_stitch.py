"""Chunks put together: whose frame is it, over the whole recording?"""

from __future__ import annotations

import numpy as np
import pytest

from fastdiar.core.bundle import Activity
from fastdiar.core.powerset import powerset
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE
from fastdiar.diarization.hear import Heard, Unclear
from fastdiar.diarization.stitch import active, stitch

GRID = Activity(hop=RATE // 10, first=RATE // 20)  # ten frames a second
CLASSES = powerset(3, 2).astype(int).tolist()


def heard(groups: list[set[int]], windows: list[tuple[int, float]], start: float = 0.0, sure: float = 1.0) -> Heard:
    """A chunk from `start` seconds: the local speakers of each frame, and windows as (local speaker, seconds of its middle)."""
    activity = np.full((len(groups), len(CLASSES)), (1 - sure) / (len(CLASSES) - 1))
    for row, group in zip(activity, groups, strict=True):
        row[CLASSES.index([int(local in group) for local in range(3)])] = sure
    local, centre = (np.array(values) for values in zip(*windows, strict=True)) if windows else (np.zeros(0, int), np.zeros(0))
    begin, length = round(start * RATE), round(len(groups) * GRID.hop)
    voices, seconds = np.zeros((len(local), 4)), np.ones(len(local))
    return Heard(
        begin, begin + length, activity, voices, local, centre * RATE, seconds, Unclear(voices[:0], local[:0], centre[:0])
    )


def people(chunks: list[Heard], labels: list[int]) -> list[set[int]]:
    """Who is active in each frame."""
    found = active(stitch(chunks, np.array(labels, int), GRID), WalkSettings())
    return [set(np.flatnonzero(row).tolist()) for row in found]


def test_a_local_speaker_that_is_two_people_is_parted_between_their_windows() -> None:
    chunk = heard([{0}] * 40, [(0, 1.0), (0, 3.0)])
    assert people([chunk], [1, 0]) == [{1}] * 20 + [{0}] * 20


def test_chunks_that_number_people_otherwise_agree_on_their_overlap() -> None:
    first = heard([{0}] * 20 + [{1}] * 20, [(0, 1.0), (1, 3.0)])
    second = heard([{0}] * 20 + [{2}] * 20, [(0, 3.0), (2, 5.0)], start=2.0)
    assert people([first, second], [0, 1, 1, 0]) == [{0}] * 20 + [{1}] * 20 + [{0}] * 20


def test_two_who_speak_together_are_both_found() -> None:
    chunk = heard([{0}] * 20 + [{0, 1}] * 5 + [{1}] * 15, [(0, 1.0), (1, 3.2)])
    assert people([chunk], [0, 1]) == [{0}] * 20 + [{0, 1}] * 5 + [{1}] * 15


def test_a_voice_heard_in_overlap_alone_is_that_of_the_nearest_other() -> None:
    chunk = heard([{0}] * 20 + [{0, 1}] * 5 + [{0}] * 5 + [{2}] * 10 + [set()] * 40, [(0, 1.0), (2, 3.5)])
    far = heard([{0}] * 20, [(0, 9.0)], start=8.0)
    assert people([chunk, far], [0, 1, 2])[20:25] == [{0, 1}] * 5


def test_probabilities_are_averaged_where_chunks_overlap() -> None:
    chunks = [heard([{0}] * 10, [(0, 0.5)], sure=0.9), heard([set()] * 10, [], sure=0.7)]
    timeline = stitch(chunks, np.array([0]), GRID)
    silent_in_first, silent_in_second = 0.1 / 6, 0.7
    np.testing.assert_allclose(timeline.speech, 1 - (silent_in_first + silent_in_second) / 2, atol=1e-2)


def test_where_chunks_disagree_the_one_whose_middle_is_nearer_is_believed() -> None:
    first = heard([{0}] * 40, [(0, 1.0)])
    second = heard([set()] * 40, [], start=2.0)
    assert people([first, second], [0]) == [{0}] * 30 + [set()] * 30


def test_speech_without_a_person_is_nobodys() -> None:
    timeline = stitch([heard([{0}] * 10, [])], np.zeros(0, int), GRID)
    assert timeline.people.shape == (10, 0)
    assert active(timeline, WalkSettings()).shape == (10, 0)
    np.testing.assert_allclose(timeline.speech, 1)


@pytest.mark.parametrize(("threshold", "expected"), [(0.3, [{0, 1}] * 10), (0.6, [{0}] * 10)])
def test_the_second_speaker_has_a_threshold_of_its_own(threshold: float, expected: list[set[int]]) -> None:
    chunk = heard([{0, 1}] * 10, [(0, 0.4), (1, 0.6)], sure=0.5)
    quiet = heard([{0}] * 10, [(0, 0.5)], sure=1.0)
    timeline = stitch([chunk, chunk, quiet], np.array([0, 1, 0, 1, 0]), GRID)
    found = active(timeline, WalkSettings(second_speaker=threshold))
    assert [set(np.flatnonzero(row).tolist()) for row in found] == expected
