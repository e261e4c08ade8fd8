"""Windows hold one local speaker's solo speech, and miss none that is long enough."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.diarization.windows import solo_windows

LENGTH, STEP, SHORTEST, PAUSE = 10, 5, 4, 6


def windows(solo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return solo_windows(solo, 3, LENGTH, STEP, SHORTEST, PAUSE)


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(1, 30)), max_size=12))
def test_each_window_is_one_speakers_and_every_long_stretch_is_covered(runs: list[tuple[int, int]]) -> None:
    solo = np.array([speaker for speaker, frames in runs for _ in range(frames)], dtype=int)
    weights, local = windows(solo)
    for row, speaker in zip(weights, local, strict=True):
        frames = np.flatnonzero(row)
        assert (solo[frames] == speaker).all()
        assert SHORTEST <= len(frames) <= LENGTH
        assert np.diff(frames).max(initial=1) <= PAUSE
    covered = weights.sum(axis=0) > 0
    for speaker in range(3):
        spoken = np.flatnonzero(solo == speaker)
        for stretch in np.split(spoken, np.flatnonzero(np.diff(spoken) > PAUSE) + 1):
            assert covered[stretch].all() == (len(stretch) >= SHORTEST) or not len(stretch)


def test_windows_half_overlap_and_the_last_one_ends_with_the_speech() -> None:
    weights, _ = windows(np.zeros(23, dtype=int))
    assert [(int(np.flatnonzero(row)[0]), int(np.flatnonzero(row)[-1])) for row in weights] == [
        (0, 9),
        (5, 14),
        (10, 19),
        (13, 22),
    ]
