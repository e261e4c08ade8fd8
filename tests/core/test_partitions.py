"""The steps that clusterings share."""

from __future__ import annotations

import numpy as np
import pytest

from fastdiar.core.clustering import Windows
from fastdiar.core.partitions import MOST_COMPARED, agglomerate, by_part, drop_small, people_at_once, reassign


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def windows(vectors: np.ndarray, chunk: np.ndarray | None = None, local: np.ndarray | None = None) -> Windows:
    """Windows of a second, each of a chunk of its own unless said otherwise."""
    count = len(vectors)
    return Windows(
        vectors, np.ones(count), np.arange(count) if chunk is None else chunk, np.zeros(count, int) if local is None else local
    )


def test_local_speakers_of_one_chunk_start_apart_even_when_alike() -> None:
    heard = windows(unit(np.ones((8, 4))), chunk=np.zeros(8, int), local=np.arange(8) % 2)
    labels = agglomerate(heard, 0.45)
    assert labels.tolist() in ([0, 1] * 4, [1, 0] * 4)


def test_so_many_people_as_asked_are_found_in_a_part_of_many_windows() -> None:
    random = np.random.default_rng(0)
    heard = windows(unit(random.standard_normal((2 * MOST_COMPARED, 8))))
    assert len(np.unique(agglomerate(heard, 0.45, people=40))) == 40


def test_what_is_not_in_the_part_joins_the_nearest_cluster() -> None:
    heard = windows(unit(np.repeat(np.eye(3), [40, 31, 29], axis=0) + 0.1))
    asked = []

    def labelled(part: Windows) -> np.ndarray:
        asked.append(len(part))
        return part.vectors.argmax(axis=1)

    assert by_part(heard, 10, labelled).tolist() == heard.vectors.argmax(axis=1).tolist()
    assert by_part(heard, 100, labelled).tolist() == heard.vectors.argmax(axis=1).tolist()
    assert asked == [10, 100]


def test_one_chunk_shows_how_many_people_there_are_at_least() -> None:
    voices = np.eye(3, 8, dtype=np.float32)
    heard = windows(voices[[0, 0, 1, 1, 2, 0]], chunk=np.array([0, 0, 0, 0, 0, 1]), local=np.array([0, 0, 1, 1, 2, 0]))
    assert people_at_once(heard, different=0.4) == 3
    assert people_at_once(heard, different=0.4, seconds=1.5) == 2  # the third speaks for a second only
    assert people_at_once(heard, different=-0.1) == 1


def test_small_clusters_go_to_the_nearest_unless_that_is_too_few() -> None:
    vectors = unit(np.array([[1, 0, 0]] * 8 + [[0, 1, 0]] * 8 + [[0.5, 0.6, 0.7]] * 2))
    labels = np.repeat([0, 1, 2], [8, 8, 2])
    kept = drop_small(windows(vectors), labels, share=0.2, seconds=1.5, least=1)
    assert kept.tolist() == [0] * 8 + [1] * 10
    assert drop_small(windows(vectors), labels, share=0.2, seconds=1.5, least=3).tolist() == labels.tolist()
    assert drop_small(windows(vectors), labels, share=0.0, seconds=100.0, least=1).tolist() == [0] * 18


@pytest.mark.parametrize(
    ("labels", "expected"), [([0, 0, 0, 1, 1], [0, 0, 1, 1, 1]), ([0, 0, 1, 2, 2], [0, 0, 1, 2, 2])], ids=["moved", "kept"]
)
def test_windows_move_to_the_nearest_person(labels: list[int], expected: list[int]) -> None:
    vectors = unit(np.array([[1, 0], [1, 0.1], [0.2, 1], [0, 1], [0.1, 1]]))
    assert reassign(vectors, np.array(labels)).tolist() == expected
