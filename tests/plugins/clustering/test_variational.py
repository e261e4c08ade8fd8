"""People among windows: found where they are well apart, and always within the bounds asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastdiar.core.clustering import Clusters, Windows
from fastdiar.core.errors import ModelError
from fastdiar.plugins.clustering.variational import (
    EXPECTED_PAIRS,
    EXPECTED_WITHIN,
    LARGEST_START,
    Variational,
    VariationalConfig,
    agglomerate,
    drop_small,
    mean_cosines,
    pair_sums,
    people_at_once,
)

DIM = 48
SPREAD = 0.07
"""Of each of `DIM` numbers: windows of one person then have a cosine of about 0.8."""
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


def meeting(people: int, count: int, seed: int = 0) -> tuple[Windows, np.ndarray]:
    """Windows of so many people around random directions, and whose each is."""
    random = np.random.default_rng(seed)
    voices, who = unit(random.standard_normal((people, DIM))), np.arange(count) % people
    return windows(unit(voices[who] + SPREAD * random.standard_normal((count, DIM)))), who


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(((one[:, None] == one) == (other[:, None] == other)).all())


def clustered(given_windows: Windows, *bounds: int | None, backend: dict[str, np.ndarray] | None = None) -> Clusters:
    return Variational(VariationalConfig(), backend or {})(given_windows, *bounds)


@pytest.mark.parametrize("backend", [{}, PLDA], ids=["cosine", "plda"])
@pytest.mark.parametrize("people", range(1, 7))
def test_people_well_apart_are_all_found(people: int, backend: dict[str, np.ndarray]) -> None:
    heard, who = meeting(people, 120, seed=people)
    found = clustered(heard, backend=backend)
    assert same_partition(found.labels, who)
    assert 0.5 < found.probability <= 1


@pytest.mark.parametrize("backend", [{}, PLDA], ids=["cosine", "plda"])
def test_the_order_of_windows_does_not_matter(backend: dict[str, np.ndarray]) -> None:
    heard, _ = meeting(4, 80)
    order = np.random.default_rng(1).permutation(80)
    mixed = Windows(heard.vectors[order], heard.seconds[order], heard.chunk[order], heard.local[order])
    assert same_partition(clustered(mixed, backend=backend).labels, clustered(heard, backend=backend).labels[order])


@pytest.mark.parametrize("backend", [{}, PLDA], ids=["cosine", "plda"])
@pytest.mark.parametrize(
    ("bounds", "people"), [((1, 2), 2), ((2, 2), 2), ((6, 6), 6), ((5, None), 5), ((1, None), 4), ((1, 1), 1)]
)
def test_bounds_are_kept_against_the_evidence(
    bounds: tuple[int, int | None], people: int, backend: dict[str, np.ndarray]
) -> None:
    heard, _ = meeting(4, 80)
    found = clustered(heard, *bounds, backend=backend)
    assert len(np.unique(found.labels)) == people


@st.composite
def any_windows(draw: st.DrawFn) -> Windows:
    """Few dimensions and small whole numbers: many windows are equal, opposite or at right angles."""
    count = draw(st.integers(0, 24))
    raw = draw(arrays.arrays(np.int8, (count, 3), elements=st.integers(-2, 2))).astype(float)
    raw[(raw == 0).all(axis=1), 0] = 1
    chunk = np.sort(draw(arrays.arrays(int, count, elements=st.integers(0, 5))))
    local = draw(arrays.arrays(int, count, elements=st.integers(0, 2)))
    return windows(unit(raw) if count else np.zeros((0, 3), np.float32), chunk, local)


@settings(max_examples=150, deadline=None)
@given(any_windows(), st.integers(1, 6), st.none() | st.integers(0, 4), st.booleans())
def test_any_windows_and_any_bounds(heard: Windows, least: int, more: int | None, plda: bool) -> None:
    most = None if more is None else least + more
    backend = {name: array[..., :3][:3] if array.ndim > 1 else array[:3] for name, array in PLDA.items()} if plda else {}
    found = clustered(heard, least, most, backend=backend)
    assert found.labels.shape == (len(heard),)
    assert 0 <= found.probability <= 1
    people = len(np.unique(found.labels))
    assert found.labels.max(initial=-1) + 1 == people
    assert min(least, len(heard)) <= people <= (len(heard) if most is None else most)


def test_windows_that_are_nothing_alike_can_be_forced_together() -> None:
    random = np.random.default_rng(0)
    heard = windows(unit(random.standard_normal((300, DIM))))
    assert len(np.unique(clustered(heard, 1, 2).labels)) == 2


def test_a_long_recording_is_clustered_from_a_part_of_its_windows() -> None:
    heard, who = meeting(5, 3 * LARGEST_START + 7)
    assert same_partition(clustered(heard).labels[::50], who[::50])
    assert len(np.unique(agglomerate(heard, 0.45, people=40))) == 40


def test_local_speakers_of_one_chunk_start_apart_even_when_alike() -> None:
    voice = unit(np.ones((8, 4)))
    heard = windows(voice, chunk=np.zeros(8, int), local=np.arange(8) % 2)
    assert same_partition(agglomerate(heard, 0.45), np.arange(8) % 2)


def test_one_chunk_shows_how_many_people_there_are_at_least() -> None:
    voices = np.eye(3, 8, dtype=np.float32)
    heard = windows(voices[[0, 0, 1, 1, 2, 0]], chunk=np.array([0, 0, 0, 0, 0, 1]), local=np.array([0, 0, 1, 1, 2, 0]))
    assert people_at_once(heard, different=0.4) == 3
    assert people_at_once(heard, different=0.4, seconds=1.5) == 2  # the third speaks for a second only
    assert people_at_once(heard, different=-0.1) == 1
    assert len(np.unique(clustered(heard).labels)) == 3


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


def test_small_clusters_go_to_the_nearest_unless_that_is_too_few() -> None:
    vectors = unit(np.array([[1, 0, 0]] * 8 + [[0, 1, 0]] * 8 + [[0.5, 0.6, 0.7]] * 2))
    labels = np.repeat([0, 1, 2], [8, 8, 2])
    kept = drop_small(windows(vectors), labels, share=0.2, seconds=1.5, least=1)
    assert kept.tolist() == [0] * 8 + [1] * 10
    assert drop_small(windows(vectors), labels, share=0.2, seconds=1.5, least=3).tolist() == labels.tolist()
    assert drop_small(windows(vectors), labels, share=0.0, seconds=100.0, least=1).tolist() == [0] * 18


def test_nothing_heard_is_nobody() -> None:
    found = clustered(windows(np.zeros((0, DIM), np.float32)), 2, 5)
    assert len(found.labels) == 0


def test_a_plda_of_other_vectors_is_refused() -> None:
    other = {**PLDA, "plda_mean": np.zeros(DIM + 1), "plda_transform": np.eye(DIM + 1, DIM)}
    with pytest.raises(ModelError, match=f"the PLDA is of {DIM + 1} numbers a voice, the model gives {DIM}"):
        clustered(meeting(2, 20)[0], backend=other)
