"""The reference's speech in place of the detector's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")

from fastdiar.core.types import Turn
from fastdiar.evaluation.diarization import Pair, score
from fastdiar.evaluation.oracle import with_oracle_speech

REFERENCE = [Turn(2, 6, "ann"), Turn(8, 12, "bob"), Turn(11, 14, "ann")]


def test_false_alarms_go_and_holes_are_the_nearest_turns() -> None:
    found = [Turn(1, 3, "x"), Turn(9, 10, "y"), Turn(13, 20, "x")]
    assert with_oracle_speech(found, REFERENCE) == [
        Turn(2, 3, "x"),  # begins with the speech
        Turn(3, 6, "x"),  # x spoke last; y begins at 9, and half-way is 6
        Turn(8, 9, "y"),  # past the half
        Turn(9, 10, "y"),
        Turn(10, 11.5, "y"),
        Turn(11.5, 13, "x"),
        Turn(13, 14, "x"),
    ]


def test_where_nobody_was_found_one_person_speaks() -> None:
    assert with_oracle_speech([], REFERENCE) == [Turn(2, 6, "speaker1"), Turn(8, 14, "speaker1")]
    assert with_oracle_speech([Turn(0, 1, "x")], []) == []


turns = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 8), st.sampled_from("abc")).map(lambda t: Turn(t[0], t[0] + t[1], t[2])),
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(turns, turns)
def test_all_speech_is_somebodys_and_nothing_else_is(found: list[Turn], reference: list[Turn]) -> None:
    as_one = [Turn(turn.start, turn.end, "somebody") for turn in with_oracle_speech(found, reference)]
    speech = [Turn(turn.start, turn.end, "somebody") for turn in reference]
    result = score(Pair("a", _merged(speech), _merged(as_one)))
    assert result.missed == pytest.approx(0) == pytest.approx(result.false_alarm)


def _merged(turns: list[Turn]) -> list[Turn]:
    """Seconds in which anybody speaks, each a turn; times here are halves of seconds at the least."""
    halves = {half for turn in turns for half in range(round(4 * turn.start), round(4 * turn.end))}
    return [Turn(half / 4, (half + 1) / 4, "somebody") for half in sorted(halves)]
