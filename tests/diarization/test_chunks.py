"""Chunks cover a recording: every sample is owned once, and every frame lies on one grid."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.diarization.chunks import cut

LENGTH, STEP, HOP = 100, 75, 5


@given(st.lists(st.integers(0, 170), min_size=1, max_size=12))
def test_every_sample_is_owned_once_whatever_the_blocks(sizes: list[int]) -> None:
    sound = np.arange(sum(sizes), dtype=np.float32)
    chunks = list(cut(np.split(sound, np.cumsum(sizes)[:-1]), LENGTH, STEP, HOP))
    owned = [chunk.samples[chunk.owned[0] - chunk.start : chunk.owned[1] - chunk.start] for chunk in chunks]
    assert np.array_equal(np.concatenate(owned), sound)
    for chunk in chunks:
        assert np.array_equal(chunk.samples, sound[chunk.start : chunk.end])
        assert chunk.start % HOP == 0
        assert len(chunk.samples) <= LENGTH


@given(st.integers(LENGTH + HOP, 2000))
def test_the_last_chunk_is_about_as_long_as_the_others(samples: int) -> None:
    *_, last = cut([np.zeros(samples, np.float32)], LENGTH, STEP, HOP)
    assert last.end == samples
    assert len(last.samples) > LENGTH - HOP
