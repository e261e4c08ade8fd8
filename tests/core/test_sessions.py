"""Recordings with their turns, cut into chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.sessions import LONGEST, Session, chunks, clipped, joined, session, turns_of, within
from fastdiar.core.types import Turn

tenths = st.integers(0, 600).map(lambda number: number / 10)
stretch = st.tuples(tenths, tenths).map(sorted).filter(lambda pair: pair[0] < pair[1]).map(tuple)
stretches = st.lists(stretch, max_size=6)


@given(stretches, st.integers(5, 300).map(lambda number: number / 10), st.integers(1, 10))
def test_chunks_cover_what_the_reference_covers_and_nothing_else(listed: list, seconds: float, parts: int) -> None:
    covered = joined(listed, pause=0.0)
    step = seconds / parts
    found = [(entry.start, entry.start + (entry.seconds or 0)) for entry in chunks(_session(tuple(covered)), seconds, step)]
    assert joined(((start - 0.002, end + 0.002) for start, end in found), 0.0) == [
        (pytest.approx(start - 0.002, abs=0.002), pytest.approx(end + 0.002, abs=0.002)) for start, end in covered
    ]
    short = [end - start for start, end in covered if end - start < seconds]
    assert [end - start for start, end in found if end - start < seconds - 0.002] == pytest.approx(
        [each for each in short if each < seconds - 0.002], abs=0.002
    )


def _session(covered: tuple[tuple[float, float], ...]) -> Session:
    return Session("talk", Path("talk.wav"), (), covered)


def test_chunks_are_labelled_with_their_session_or_as_asked() -> None:
    talk = _session(((1.0, 4.0),))
    assert [entry.key for entry in chunks(talk, 2.0, 1.0)] == ["talk@1.000+2.000", "talk@2.000+2.000"]
    assert {entry.labels["session"] for entry in chunks(talk, 2.0, 1.0)} == {"talk"}
    assert next(chunks(talk, 2.0, 1.0, {"speaker": "ann"})).labels == {"speaker": "ann"}


@given(stretches, stretch)
def test_turns_are_cut_to_a_stretch_and_lose_nothing_of_it(listed: list, bounds: tuple[float, float]) -> None:
    start, end = bounds
    inside = clipped([Turn(*each, "ann") for each in listed], start, end)
    assert all(0 <= turn.start < turn.end <= end - start + 1e-9 for turn in inside)
    kept = sum(last - first for first, last in within(listed, [bounds]))
    assert sum(turn.duration for turn in inside) == pytest.approx(kept)


def test_turns_of_an_entry_without_an_end_go_on_to_the_last() -> None:
    (entry,) = chunks(_session(((2.0, 4.0),)), 10.0, 10.0)
    assert turns_of([Turn(1.0, 3.0, "ann"), Turn(5.0, 6.0, "bob")], entry) == (Turn(0.0, 1.0, "ann"),)


def test_a_reference_is_cut_off_where_the_file_ends(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "talk.wav", np.zeros(32_000), 16_000)
    talk = session("talk", tmp_path / "talk.wav", [Turn(1.0, 5.0, "ann"), Turn(3.0, 4.0, "bob")], [(0.5, 9.0), (3.0, 4.0)])
    assert talk.turns == (Turn(1.0, 2.0, "ann"),) and talk.stretches == ((0.5, 2.0),)
    assert session("talk", tmp_path / "talk.wav", []).stretches == ((0.0, 2.0),)


def test_a_file_that_cannot_be_opened_is_as_long_as_its_reference_within_reason(tmp_path: Path) -> None:
    assert session("gone", tmp_path / "gone.wav", [Turn(1.0, 5.0, "ann")]).stretches == ((0.0, 5.0),)
    assert session("gone", tmp_path / "gone.wav", [Turn(1.0, 1e12, "ann")]).stretches == ((0.0, LONGEST),)


def test_stretches_are_joined_over_pauses() -> None:
    assert joined([(2.0, 3.0), (0.0, 1.0), (1.4, 1.8), (1.5, 1.6)], pause=0.5) == [(0.0, 3.0)]
    assert joined([(2.0, 3.0), (0.0, 1.0)], pause=0.5) == [(0.0, 1.0), (2.0, 3.0)]
