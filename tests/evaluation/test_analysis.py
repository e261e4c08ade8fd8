"""Every second of error has one kind, and all kinds together are the DER."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")

from fastdiar.core.types import Turn
from fastdiar.evaluation.analysis import KINDS, Analysis, analyze
from fastdiar.evaluation.diarization import Pair, score


def turns(*lines: tuple[float, float, str]) -> list[Turn]:
    return [Turn(*line) for line in lines]


def kinds(reference: list[Turn], hypothesis: list[Turn], uem: list[tuple[float, float]] | None = None) -> dict[str, float]:
    found = analyze([Pair("talk", reference, hypothesis, uem)])
    return {f"{each.error}: {each.kind}": round(each.seconds, 3) for each in found.kinds if each.seconds > 1e-9}


ANN_AND_BOB = turns((0, 10, "ann"), (12, 20, "bob"))
FOUND = turns((0, 10, "1"), (12, 20, "2"))


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        (ANN_AND_BOB, FOUND, {}),
        ([*ANN_AND_BOB, *turns((5, 5.6, "bob"))], FOUND, {"missed: backchannel": 0.6}),
        ([*ANN_AND_BOB, *turns((5, 8, "bob"))], FOUND, {"missed: overlap": 3.0}),
        ([*ANN_AND_BOB, *turns((22, 22.5, "bob"))], FOUND, {"missed: short turn": 0.5}),
        ([*ANN_AND_BOB, *turns((22, 26, "bob"))], FOUND, {"missed: inside a turn": 4.0}),
        (ANN_AND_BOB, [*turns((0.1, 10, "1")), FOUND[1]], {"missed: edge of a turn": 0.1}),
        (ANN_AND_BOB, [*turns((0, 10.2, "1")), FOUND[1]], {"false alarm: edge of a turn": 0.2}),
        (ANN_AND_BOB, [*FOUND, *turns((25, 28, "1"))], {"false alarm: no speech": 3.0}),
        (ANN_AND_BOB, [*FOUND, *turns((3, 5, "2"))], {"false alarm: overlap": 2.0}),
        (ANN_AND_BOB, turns((0, 10, "1"), (12, 20, "1")), {"confusion: too few people": 8.0}),
        (ANN_AND_BOB, turns((0, 7, "1"), (7, 10, "3"), (12, 20, "2")), {"confusion: too many people": 3.0}),
        (ANN_AND_BOB, turns((0, 7, "1"), (7, 10, "2"), (12, 20, "2")), {"confusion: similar voices": 3.0}),
        (
            [*ANN_AND_BOB, *turns((20, 30, "ann"))],
            [*FOUND[:1], *turns((12, 20.2, "2"), (20.2, 30, "1"))],
            {"confusion: edge of a turn": 0.2},
        ),
        ([*ANN_AND_BOB, *turns((23, 23.9, "ann"))], [*FOUND, *turns((23, 23.9, "2"))], {"confusion: short turn": 0.9}),
    ],
)
def test_each_error_has_its_kind(reference: list[Turn], hypothesis: list[Turn], expected: dict[str, float]) -> None:
    assert kinds(reference, hypothesis) == expected


def test_only_what_is_scored_counts() -> None:
    assert kinds(ANN_AND_BOB, FOUND[:1], uem=[(0.0, 14.0)]) == {"missed: inside a turn": 2.0}


SCRIPTS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 80), st.sampled_from("abc")).map(
        lambda each: Turn(each[0] / 10, (each[0] + each[1]) / 10, each[2])
    ),
    max_size=8,
)


def without_overlap_of_one(found: list[Turn]) -> list[Turn]:
    """One person does not speak twice at once."""
    kept: list[Turn] = []
    for turn in sorted(found):
        if all(turn.speaker != other.speaker or turn.start > other.end for other in kept):
            kept.append(turn)
    return kept


@settings(max_examples=60, deadline=None)
@given(SCRIPTS.map(without_overlap_of_one), SCRIPTS.map(without_overlap_of_one))
def test_kinds_add_up_to_what_is_scored(reference: list[Turn], hypothesis: list[Turn]) -> None:
    pair = Pair("talk", reference, hypothesis)
    found, scored = analyze([pair]), score(pair)
    sums = {error: sum(each.seconds for each in found.kinds if each.error == error) for error in KINDS}
    assert sums["missed"] == pytest.approx(scored.missed, abs=1e-6)
    assert sums["false alarm"] == pytest.approx(scored.false_alarm, abs=1e-6)
    assert sums["confusion"] == pytest.approx(scored.confusion, abs=1e-6)
    assert found.speech == pytest.approx(scored.speech, abs=1e-6)


def test_the_worst_stretches_come_first_and_do_not_overlap() -> None:
    reference = turns(*((place, place + 4.0, "ann") for place in (0.0, 20.0, 40.0)))
    found: Analysis = analyze([Pair("talk", reference, turns((0, 3, "1"), (20, 22, "1"))), Pair("quiet", reference, reference)])
    assert [(each.uri, each.start, each.seconds) for each in found.worst] == [
        ("talk", 40.0, 4.0),
        ("talk", 22.0, 2.0),
        ("talk", 3.0, 1.0),
    ]
    assert found.worst[0].kinds == ("missed: inside a turn",)
    assert (found.too_few, found.right, found.too_many) == (0, 2, 0)


def test_who_is_taken_for_whom() -> None:
    found = analyze([Pair("talk", ANN_AND_BOB, turns((0, 7, "1"), (7, 10, "2"), (12, 18, "2"), (18, 20, "3")))])
    assert [(each.speaker, each.taken_for, each.seconds) for each in found.confused] == [("ann", "bob", 3.0), ("bob", None, 2.0)]


def test_silence_is_no_error() -> None:
    found = analyze([Pair("silence", [], [])])
    assert (found.seconds, found.speech, found.worst) == (0, 0, ())
