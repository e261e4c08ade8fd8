"""Turns survive being written and read, and a file that is not turns says which line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.errors import FormatError
from fastdiar.core.formats import format_rttm, read_rttm, read_uem
from fastdiar.core.types import Diarization, Turn

MILLISECONDS = st.integers(0, 10_000_000)
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=12)


@st.composite
def diarizations(draw: st.DrawFn) -> Diarization:
    starts = draw(st.lists(MILLISECONDS, max_size=8))
    turns = [Turn(start / 1000, (start + draw(st.integers(1, 60_000))) / 1000, draw(NAMES)) for start in starts]
    return Diarization(draw(NAMES), tuple(turns))


@given(diarizations())
def test_rttm_round_trip(tmp_path_factory: pytest.TempPathFactory, diarization: Diarization) -> None:
    path = tmp_path_factory.mktemp("rttm") / "x.rttm"
    path.write_text(diarization.to_rttm(), encoding="utf-8")
    read = read_rttm(path)
    assert len(read) == (1 if diarization.turns else 0)
    for uri, turns in read.items():
        assert " " not in uri
        assert [(round(turn.start, 3), round(turn.end, 3)) for turn in sorted(turns)] == [
            (turn.start, round(turn.end, 3)) for turn in diarization.turns
        ]


def test_json_holds_turns_speakers_and_how_sure_the_count_is() -> None:
    turns = (Turn(2.0, 3.5, "b", 0.7), Turn(0.0, 1.0, "a", 0.9), Turn(4.0, 5.0, "a", 0.8))
    content = json.loads(Diarization("talk", turns, seconds=6.0, speakers_probability=0.75).to_json())
    assert content["speakers"] == [{"speaker": "a", "seconds": 2.0}, {"speaker": "b", "seconds": 1.5}]
    assert content["turns"][0] == {"start": 0.0, "end": 1.0, "speaker": "a", "confidence": 0.9}
    assert content["speakers_probability"] == 0.75


def test_json_holds_the_runner_up_where_there_is_one() -> None:
    other = Diarization("talk", (Turn(1.0, 2.0, "ann", 0.9), Turn(2.0, 4.0, "bo")))
    found = Diarization("talk", (Turn(1.0, 4.0, "ann", 0.9),), runner_up=other)
    assert json.loads(found.to_json())["runner_up"] == {key: json.loads(other.to_json())[key] for key in ("speakers", "turns")}
    assert "runner_up" not in json.loads(other.to_json())


def test_blanks_in_names_do_not_break_rttm_fields() -> None:
    line = format_rttm(Diarization("my talk", (Turn(0, 1.5, "Ann Lee"),)))
    assert line == "SPEAKER my_talk 1 0.000 1.500 <NA> <NA> Ann_Lee <NA> <NA>\n"


def test_annotation_is_pyannotes() -> None:
    pytest.importorskip("pyannote.core")
    annotation = Diarization("talk", (Turn(0, 2, "a"), Turn(1, 3, "b"))).to_annotation()
    assert annotation.uri == "talk"
    assert annotation.label_duration("a") == 2
    assert len(annotation.get_overlap()) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{\n  "uri": "a"\n}\n', r":1: expected an RTTM line, such as SPEAKER uri 1 …, got '\{'"),
        ("SPEAKER a 1 0.0 1.0\n", r":1: expected at least 8 fields of a SPEAKER line, got 5"),
        ("; comment\nSPEAKER a 1 x 1 <NA> <NA> s <NA> <NA>\n", r":2: start is 'x': expected seconds, 0 or more"),
        ("SPEAKER a 1 0 nan <NA> <NA> s <NA> <NA>\n", r":1: duration is 'nan': expected seconds"),
        ("SPEAKER a 1 0 -2 <NA> <NA> s <NA> <NA>\n", r":1: duration is '-2': expected seconds"),
    ],
)
def test_a_wrong_rttm_names_its_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "x.rttm"
    path.write_text(text)
    with pytest.raises(FormatError, match=reason):
        read_rttm(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a 1 0\n", r":1: expected 4 fields \(uri channel start end\), got 3"),
        ("a 1 5 5\n", r":1: the end 5 s does not come after"),
    ],
)
def test_a_wrong_uem_names_its_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "x.uem"
    path.write_text(text)
    with pytest.raises(FormatError, match=reason):
        read_uem(path)


def test_what_is_not_text_or_not_there_says_so(tmp_path: Path) -> None:
    (tmp_path / "b.rttm").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match=r"b\.rttm: not text"):
        read_rttm(tmp_path / "b.rttm")
    with pytest.raises(FormatError, match=r"gone\.rttm: cannot be read: No such file"):
        read_rttm(tmp_path / "gone.rttm")
