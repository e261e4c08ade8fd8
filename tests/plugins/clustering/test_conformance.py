"""What every clustering promises: people found where they are well apart, and always within the bounds asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastdiar import registry
from fastdiar.core.clustering import Clusters, Windows

DIM = 48
SPREAD = 0.07
"""Of each of `DIM` numbers: windows of one person then have a cosine of about 0.8."""
PLDA = {
    "plda_mean": np.zeros(DIM, np.float32),
    "plda_transform": np.eye(DIM, dtype=np.float32) / 0.45,
    "plda_between": np.full(DIM, 4.0, np.float32),
}
NAMES = registry.names("clustering")

clusterings = pytest.mark.parametrize("name", NAMES)
with_and_without_plda = pytest.mark.parametrize(
    ("name", "backend"),
    [(name, backend) for name in NAMES for backend in ({}, PLDA)],
    ids=lambda each: each if isinstance(each, str) else "plda" if each else "cosine",
)


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


def clustered(name: str, heard: Windows, *bounds: int | None, backend: dict[str, np.ndarray] | None = None) -> Clusters:
    clustering = registry.lookup("clustering", name)
    return clustering(clustering.config_class(), backend or {})(heard, *bounds)


@with_and_without_plda
@pytest.mark.parametrize("people", range(1, 7))
def test_people_well_apart_are_all_found(name: str, people: int, backend: dict[str, np.ndarray]) -> None:
    heard, who = meeting(people, 120, seed=people)
    found = clustered(name, heard, backend=backend)
    assert same_partition(found.labels, who)
    assert 0 < found.probability <= 1


@with_and_without_plda
def test_the_order_of_windows_does_not_matter(name: str, backend: dict[str, np.ndarray]) -> None:
    heard, _ = meeting(4, 80)
    order = np.random.default_rng(1).permutation(80)
    mixed = Windows(heard.vectors[order], heard.seconds[order], heard.chunk[order], heard.local[order])
    straight = clustered(name, heard, backend=backend).labels
    assert same_partition(clustered(name, mixed, backend=backend).labels, straight[order])


@with_and_without_plda
@pytest.mark.parametrize("bounds", [(1, 1), (1, 2), (2, 2), (6, 6), (5, 8), (5, None)])
def test_bounds_are_kept_against_the_evidence(name: str, bounds: tuple[int, int | None], backend: dict[str, np.ndarray]) -> None:
    heard, _ = meeting(4, 80)
    least, most = bounds
    assert least <= len(np.unique(clustered(name, heard, *bounds, backend=backend).labels)) <= (most or 80)


@st.composite
def any_windows(draw: st.DrawFn) -> Windows:
    """Few dimensions and small whole numbers: many windows are equal, opposite or at right angles."""
    count = draw(st.integers(0, 24))
    raw = draw(arrays.arrays(np.int8, (count, 3), elements=st.integers(-2, 2))).astype(float)
    raw[(raw == 0).all(axis=1), 0] = 1
    chunk = np.sort(draw(arrays.arrays(int, count, elements=st.integers(0, 5))))
    local = draw(arrays.arrays(int, count, elements=st.integers(0, 2)))
    return windows(unit(raw) if count else np.zeros((0, 3), np.float32), chunk, local)


@clusterings
@settings(max_examples=80, deadline=None)
@given(heard=any_windows(), least=st.integers(1, 6), more=st.none() | st.integers(0, 4), plda=st.booleans())
def test_any_windows_and_any_bounds(name: str, heard: Windows, least: int, more: int | None, plda: bool) -> None:
    most = None if more is None else least + more
    backend = {key: array[..., :3][:3] if array.ndim > 1 else array[:3] for key, array in PLDA.items()} if plda else {}
    found = clustered(name, heard, least, most, backend=backend)
    assert found.labels.shape == (len(heard),)
    assert 0 <= found.probability <= 1
    people = len(np.unique(found.labels))
    assert found.labels.max(initial=-1) + 1 == people
    assert min(least, len(heard)) <= people <= (len(heard) if most is None else most)


@clusterings
def test_windows_that_are_nothing_alike_can_be_forced_together(name: str) -> None:
    random = np.random.default_rng(0)
    heard = windows(unit(random.standard_normal((300, DIM))))
    assert len(np.unique(clustered(name, heard, 2, 2).labels)) == 2
    assert len(np.unique(clustered(name, heard, 1, 3).labels)) <= 3


@clusterings
def test_windows_that_are_all_the_same_are_one_person(name: str) -> None:
    assert clustered(name, windows(unit(np.ones((40, 4))))).labels.tolist() == [0] * 40


@clusterings
@pytest.mark.parametrize("count", [0, 1])
def test_nothing_heard_is_nobody_and_one_window_one_person(name: str, count: int) -> None:
    assert clustered(name, windows(unit(np.ones((count, DIM)))), 2, 5).labels.tolist() == [0] * count


@clusterings
def test_a_long_recording_is_clustered_from_a_part_of_its_windows(name: str) -> None:
    heard, who = meeting(5, 9007)
    assert same_partition(clustered(name, heard).labels[::50], who[::50])


@pytest.mark.parametrize("backend", [{}, PLDA], ids=["cosine", "plda"])
@pytest.mark.parametrize("name", ["agglomerative", "variational"])
def test_who_has_hardly_spoken_counts_with_newcomers_alone(name: str, backend: dict[str, np.ndarray]) -> None:
    everything, who = meeting(3, 600)
    heard = windows(everything.vectors[(who < 2) | (np.arange(600) < 12)])  # four windows of the third, two seconds of 202
    clustering = registry.lookup("clustering", name)
    clustering = clustering(clustering.config_class(), backend)
    assert [len(np.unique(each(heard).labels)) for each in (clustering, clustering.with_newcomers())] == [2, 3]
