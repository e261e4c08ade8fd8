"""DER against figures worked out by hand, and files that find their partners."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")

from fastdiar.core.errors import FormatError
from fastdiar.core.types import Diarization, Turn
from fastdiar.evaluation.diarization import LENIENT, STRICT, Conditions, Pair, pairs, pooled, score

REFERENCE = [Turn(0, 10, "ann"), Turn(10, 20, "bob"), Turn(18, 20, "ann")]


def test_each_error_is_counted_in_seconds() -> None:
    hypothesis = [Turn(0, 12, "x"), Turn(12, 19, "y"), Turn(21, 22, "y")]
    result = score(Pair("a", REFERENCE, hypothesis), STRICT)
    # 10 to 12: bob is called x. 18 to 20: two speak, one is found for a second, none for the other. 21 to 22: nobody speaks.
    assert (result.missed, result.false_alarm, result.confusion, result.speech) == pytest.approx((3, 1, 2, 22))
    assert result.der == pytest.approx(6 / 22)
    assert (result.speakers, result.found) == (2, 2)


def test_a_collar_is_its_total_width() -> None:
    late = [Turn(0.2, 10, "x"), Turn(10, 20, "y"), Turn(18, 20, "x")]
    assert score(Pair("a", REFERENCE, late), STRICT).der == pytest.approx(0.2 / 22)
    assert score(Pair("a", REFERENCE, late), Conditions(collar=0.5)).der == 0
    assert score(Pair("a", REFERENCE, late), Conditions(collar=0.3)).der > 0


def test_lenient_leaves_overlap_out() -> None:
    alone = [Turn(0, 10, "x"), Turn(10, 20, "y")]
    assert score(Pair("a", REFERENCE, alone), STRICT).missed == pytest.approx(2)
    assert score(Pair("a", REFERENCE, alone), LENIENT).missed == 0


def test_only_the_uem_is_scored() -> None:
    assert score(Pair("a", REFERENCE, [Turn(0, 10, "x")], [(0, 10)]), STRICT).der == 0


def test_a_reference_without_speech_has_no_der_but_false_alarms() -> None:
    silent = score(Pair("a", [], [Turn(0, 2, "x")]), STRICT)
    assert silent.der is None and silent.false_alarm == 2
    both = pooled([silent, score(Pair("b", REFERENCE, REFERENCE), STRICT)])
    assert both.der == pytest.approx(2 / 22)
    assert both.jer == 0


def write(folder: Path, *stems: str) -> Path:
    folder.mkdir()
    for stem in stems:
        (folder / f"{stem}.rttm").write_text(Diarization(stem, tuple(REFERENCE)).to_rttm())
    return folder


def test_folders_match_by_stem_and_by_dotted_prefix(tmp_path: Path) -> None:
    reference = write(tmp_path / "ref", "EN2001a", "EN2001")
    hypothesis = write(tmp_path / "hyp", "EN2001a.Mix-Headset", "EN2001")
    assert [pair.uri for pair in pairs(reference, hypothesis)] == ["EN2001", "EN2001a"]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "reason"),
    [
        (["a", "b"], ["a"], r"ref/b\.rttm: has no partner"),
        (["a"], ["a", "b"], r"hyp/b\.rttm: no file with that name"),
        (["a"], ["a", "a.mix"], r"has no partner of its own"),
        ([], ["a"], r"ref: holds no \.rttm files"),
    ],
)
def test_what_finds_no_partner_is_an_error(tmp_path: Path, reference: list[str], hypothesis: list[str], reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        pairs(write(tmp_path / "ref", *reference), write(tmp_path / "hyp", *hypothesis))
