"""The variational clustering: its sums over pairs of windows, its count floor, its PLDA."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastdiar.core.clustering import Windows
from fastdiar.core.errors import ModelError
from fastdiar.plugins.clustering.variational import (
    EXPECTED_PAIRS,
    EXPECTED_WITHIN,
    Variational,
    VariationalConfig,
    mean_cosines,
    pair_sums,
)

DIM = 48
PLDA = {
    "plda_mean": np.zeros(DIM, np.float32),
    "plda_transform": np.eye(DIM, dtype=np.float32) / 0.45,
    "plda_between": np.full(DIM, 4.0, np.float32),
}


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def windows(vectors: np.ndarray, chunk: np.ndarray | None = None, local: np.ndarray | None = None) -> Windows:
    """Windows of a second, each of a chunk of its own unless said otherwise."""
    count = len(vectors)
    return Windows(
        vectors, np.ones(count), np.arange(count) if chunk is None else chunk, np.zeros(count, int) if local is None else local
    )


@st.composite
def any_windows(draw: st.DrawFn) -> Windows:
    """Few dimensions and small whole numbers: many windows are equal, opposite or at right angles."""
    count = draw(st.integers(0, 24))
    raw = draw(arrays.arrays(np.int8, (count, 3), elements=st.integers(-2, 2))).astype(float)
    raw[(raw == 0).all(axis=1), 0] = 1
    chunk = np.sort(draw(arrays.arrays(int, count, elements=st.integers(0, 5))))
    local = draw(arrays.arrays(int, count, elements=st.integers(0, 2)))
    return windows(unit(raw) if count else np.zeros((0, 3), np.float32), chunk, local)


@settings(max_examples=60, deadline=None)
@given(any_windows().filter(len), st.integers(1, 4), st.randoms(use_true_random=False))
def test_mean_cosines_are_those_of_all_far_pairs(heard: Windows, people: int, random) -> None:
    labels = np.unique([random.randrange(people) for _ in range(len(heard))], return_inverse=True)[1]
    across, within = mean_cosines(pair_sums(heard, labels))
    streams = list(zip(heard.chunk, heard.local, strict=True))
    for one in range(labels.max() + 1):
        for other in range(labels.max() + 1):
            pairs = [
                (i, j) for i in np.flatnonzero(labels == one) for j in np.flatnonzero(labels == other) if streams[i] != streams[j]
            ]
            cosines = [float(heard.vectors[i] @ heard.vectors[j]) for i, j in pairs]
            if one == other:
                expected = (sum(cosines) + EXPECTED_WITHIN * EXPECTED_PAIRS) / (len(cosines) + EXPECTED_PAIRS)
                assert within[one] == pytest.approx(expected, abs=1e-5)
            elif cosines:
                assert across[one, other] == pytest.approx(np.mean(cosines), abs=1e-5)


def test_a_plda_of_other_vectors_is_refused() -> None:
    other = {**PLDA, "plda_mean": np.zeros(DIM + 1), "plda_transform": np.eye(DIM + 1, DIM)}
    with pytest.raises(ModelError, match=f"the PLDA is of {DIM + 1} numbers a voice, the model gives {DIM}"):
        Variational(VariationalConfig(), other)(windows(unit(np.eye(DIM))))


def test_a_chunk_with_three_voices_holds_three_people() -> None:
    voices = np.eye(3, 8, dtype=np.float32)
    heard = windows(voices[[0, 0, 1, 1, 2, 0]], chunk=np.array([0, 0, 0, 0, 0, 1]), local=np.array([0, 0, 1, 1, 2, 0]))
    assert len(np.unique(Variational(VariationalConfig(), {})(heard).labels)) == 3


@pytest.mark.parametrize("times", [1, 20])
def test_the_same_talk_for_longer_is_of_the_same_people(times: int) -> None:
    """Two people in three moods each; believed in full, twenty times the evidence makes many people of them."""
    random = np.random.default_rng(0)
    people = np.repeat(unit(random.normal(size=(2, DIM))), 3, axis=0)
    moods = unit(people + 0.3 * unit(random.normal(size=(6, DIM))))
    talk = unit(np.repeat(moods, 20, axis=0) + 1.2 * unit(random.normal(size=(120, DIM))))
    heard = windows(np.tile(talk, (times, 1)), chunk=np.arange(120 * times) // 4)
    assert Variational(VariationalConfig(enough=400), PLDA)(heard).labels.max() + 1 == 2
    in_full = Variational(VariationalConfig(enough=10**6), PLDA)(heard).labels.max() + 1
    assert in_full == 2 if times == 1 else in_full > 4


def test_a_day_of_talk_is_of_as_many_people_as_an_hour_of_it() -> None:
    """All windows together count for `enough`: of a hundred times as many, each would count for nothing."""
    random = np.random.default_rng(5)
    people = unit(random.normal(size=(6, DIM)))
    talk = unit(np.repeat(people, 100, axis=0) + 1.2 * unit(random.normal(size=(600, DIM))))
    counts = [
        Variational(VariationalConfig(), PLDA)(windows(np.tile(talk, (times, 1)), chunk=np.arange(600 * times) // 4)).labels.max()
        + 1
        for times in (10, 60)
    ]
    assert counts == [6, 6]
