"""A chunk is heard once: its windows are one person's solo speech, inside the part the chunk owns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import attrs
import numpy as np
import pytest

from fastdiar.core.bundle import Activity
from fastdiar.core.errors import ModelError
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE
from fastdiar.diarization.chunks import Chunk
from fastdiar.diarization.hear import Heard, hear, hear_each

SCRIPT = [(0.0, 3.0, 0), (2.0, 6.0, 1), (7.0, 10.0, 0)]


@pytest.fixture
def chunk(sound) -> Chunk:
    """Ten seconds that begin a minute into the recording and own the middle eight."""
    return Chunk(60 * RATE, sound(SCRIPT, 10.0), (61 * RATE, 69 * RATE))


def assert_equal(one: Heard, other: Heard) -> None:
    np.testing.assert_equal(attrs.asdict(one), attrs.asdict(other))


def test_who_never_speaks_alone_has_a_vector_too(either, sound) -> None:
    [heard] = hear(
        either, [Chunk(60 * RATE, sound([(0.0, 8.0, 0), (3.0, 5.0, 1)], 10.0), (60 * RATE, 70 * RATE))], WalkSettings()
    )
    assert set(heard.local) == {0}
    assert heard.unclear.local.tolist() == [1]
    assert heard.unclear.vectors.shape == (1, either.bundle.embedding)
    np.testing.assert_allclose(heard.unclear.centre / RATE, 64, atol=0.1)
    later = heard.earlier(60 * RATE)
    assert (later.start, later.end) == (0, 10 * RATE)
    np.testing.assert_allclose(later.unclear.centre, heard.unclear.centre - 60 * RATE)


def test_windows_are_solo_speech_of_the_owned_part(either, chunk: Chunk) -> None:
    [heard] = hear(either, [chunk], WalkSettings())
    assert (heard.start, heard.end) == (60 * RATE, 70 * RATE)
    assert heard.vectors.argmax(axis=1).tolist() == heard.local.tolist()
    middles = heard.centre / RATE - 60
    for middle, local in zip(middles, heard.local, strict=True):
        assert 1.0 <= middle <= 9.0
        # Strung together, the first person's windows are before the overlap or after the silence.
        assert local == (1 if 3.0 <= middle <= 6.0 else 0)
    np.testing.assert_allclose(heard.seconds.max(), WalkSettings().window, atol=0.02)
    assert heard.seconds.min() >= WalkSettings().shortest_window - 0.02


def test_the_activity_of_the_whole_chunk_is_kept(either, chunk: Chunk) -> None:
    [heard] = hear(either, [chunk], WalkSettings())
    np.testing.assert_array_equal(heard.activity, either.activity(chunk.samples[None])[0])
    assert heard.activity.dtype == np.float16


def test_only_where_two_networks_listen_the_encoder_is_spared_the_overlap(either, chunk: Chunk) -> None:
    hear(either, [chunk], WalkSettings())
    assert either.encoded == [10 * RATE if either.one_pass else 8 * RATE]


def test_a_short_part_is_heard_with_context(fake, sound) -> None:
    hear(fake, [Chunk(0, sound(SCRIPT, 10.0), (9 * RATE, 10 * RATE))], WalkSettings())
    assert fake.encoded == [3 * RATE]


def test_chunks_heard_together_are_heard_as_each_alone(either, sound) -> None:
    chunks = [
        Chunk(start * RATE, sound(SCRIPT[first:], 10.0), (start * RATE, (start + 9) * RATE)) for first, start in enumerate((0, 9))
    ]
    for together, alone in zip(
        hear(either, chunks, WalkSettings()), (hear(either, [each], WalkSettings())[0] for each in chunks), strict=True
    ):
        assert_equal(together, alone)


def test_both_networks_at_the_same_time_hear_what_they_hear_in_turn(either, chunk: Chunk) -> None:
    with ThreadPoolExecutor(1) as beside:
        [together], [in_turn] = hear(either, [chunk], WalkSettings(), beside), hear(either, [chunk], WalkSettings())
    assert_equal(together, in_turn)


@pytest.mark.parametrize("count", range(4))
def test_with_two_threads_groups_are_heard_as_with_one(either, sound, count: int) -> None:
    groups = [[Chunk(at * RATE, sound(SCRIPT[at:], 10.0), (at * RATE, (at + 9) * RATE))] for at in range(count)]
    with_one = [*hear_each(either, groups, WalkSettings())]
    either.threads = 2
    with_two = [*hear_each(either, groups, WalkSettings())]
    assert len(with_one) == len(with_two) == count
    for [one], [two] in zip(with_one, with_two, strict=True):
        assert_equal(one, two)


def test_silence_has_no_windows(either) -> None:
    [heard] = hear(either, [Chunk(0, np.zeros(10 * RATE, np.float32), (0, 10 * RATE))], WalkSettings())
    assert heard.vectors.shape == (0, either.bundle.embedding)
    assert len(heard.local) == len(heard.centre) == len(heard.seconds) == 0


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            {"activity": Activity(hop=270, first=495, speakers=4)},
            "activity: classes of its speakers: 11 by the manifest, 7 by the",
        ),
        (
            {"activity": Activity(hop=270, first=495, speakers=2)},
            "activity: classes of its speakers: 4 by the manifest, 7 by the",
        ),
        ({"embedding": 9}, "embedding: 9 by the manifest, 8 by the graph"),
    ],
)
def test_a_manifest_that_is_not_of_these_graphs_is_refused(fake, chunk: Chunk, said: dict[str, object], reason: str) -> None:
    fake.bundle = attrs.evolve(fake.bundle, **said)
    with pytest.raises(ModelError, match=rf"bundle\.toml: {reason}"):
        hear(fake, [chunk], WalkSettings())
