"""Every format takes turns through a file and back, and a file that is not of its format says where."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdiar.core.errors import FormatError
from fastdiar.core.formats import (
    FORMATS,
    from_annotation,
    from_supervisions,
    named_format,
    read_turns,
    to_annotation,
    to_supervisions,
)
from fastdiar.core.types import Diarization, Turn

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12).filter(
    lambda name: name.strip() and "\0" not in name
)


def one_line(name: str) -> str:
    return " ".join(name.split())


KEPT: dict[str, Callable[[str], str]] = {
    "rttm": lambda name: "_".join(name.split()),
    "json": str,
    "srt": lambda name: one_line(name).replace("[", "(").replace("]", ")"),
    "vtt": one_line,
    "textgrid": one_line,
    "audacity": one_line,
    "csv": str,
}
"""What is left of a name in each format."""


@st.composite
def diarizations(draw: st.DrawFn) -> Diarization:
    """Turns of whole milliseconds; those of one person do not overlap."""
    turns = []
    for speaker in draw(st.lists(NAMES, max_size=4, unique_by=one_line)):
        bounds = sorted(draw(st.lists(st.integers(0, 20_000_000), max_size=8, unique=True)))
        for start, end in zip(bounds[::2], bounds[1::2], strict=False):
            sure = draw(st.none() | st.integers(0, 1000).map(lambda share: share / 1000))
            turns.append(Turn(start / 1000, end / 1000, speaker, sure))
    end = max([0.0, *(turn.end for turn in turns)])
    return Diarization("talk", tuple(turns), seconds=draw(st.none() | st.just(round(end + 1.5, 3))))


def spoken(found: Diarization, kept: Callable[[str], str] = str, sure: bool = True) -> list[tuple[object, ...]]:
    """Turns in whole milliseconds, in an order that hangs on nothing but them."""
    return sorted(
        (round(1000 * turn.start), round(1000 * turn.end), kept(turn.speaker), turn.confidence if sure else None, found.uri)
        for turn in found.turns
    )


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=30, deadline=None)
@given(found=diarizations())
def test_turns_come_back(name: str, found: Diarization, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / f"talk{FORMATS[name].suffix}"
    path.write_bytes(FORMATS[name].write(found).encode())
    (read,) = read_turns(path)
    sure = name in ("json", "csv")
    assert spoken(read, sure=sure) == spoken(found, KEPT[name], sure)
    assert read.seconds == {
        "json": found.seconds,
        "textgrid": max([found.seconds or 0, *(turn.end for turn in found.turns)]),
    }.get(name)


def test_json_comes_back_whole(tmp_path: Path) -> None:
    other = Diarization("talk", (Turn(0, 1, "a"),), 9.0)
    found = Diarization("talk", (Turn(0.1, 1 / 3, "ann", 0.9),), 9.0, 0.75, ("look out",), runner_up=other)
    (tmp_path / "x.json").write_text(found.to_json(), encoding="utf-8")
    assert read_turns(tmp_path / "x.json") == [found]


@settings(max_examples=10, deadline=None)
@given(found=diarizations())
def test_annotations_come_back(found: Diarization) -> None:
    pytest.importorskip("pyannote.core")
    assert spoken(from_annotation(to_annotation(found)), sure=False) == spoken(found, sure=False)


@settings(max_examples=10, deadline=None)
@given(found=diarizations())
def test_supervisions_come_back(found: Diarization) -> None:
    pytest.importorskip("lhotse")
    supervisions = to_supervisions(found)
    assert {each.recording_id for each in supervisions} <= {"talk"}
    assert [spoken(each) for each in from_supervisions(supervisions)] == ([spoken(found)] if found.turns else [])


def test_a_supervision_without_a_speaker_is_refused() -> None:
    lhotse = pytest.importorskip("lhotse")
    with pytest.raises(FormatError, match="supervision 'x': names no speaker"):
        from_supervisions(lhotse.SupervisionSet.from_segments([lhotse.SupervisionSegment("x", "talk", 0, 1)]))


def test_several_recordings_come_out_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "all.rttm").write_text("".join(Diarization(uri, (Turn(0, 1, "a"),)).to_rttm() for uri in ("x", "y")))
    (tmp_path / "all.csv").write_text("speaker,end,start,recording\na,1,0,x\na,1,0,y\n")
    for name in ("all.rttm", "all.csv"):
        assert [(each.uri, each.turns) for each in read_turns(tmp_path / name)] == [
            ("x", (Turn(0, 1, "a"),)),
            ("y", (Turn(0, 1, "a"),)),
        ]


def test_overlapping_turns_of_one_person_are_one_interval_of_a_textgrid(tmp_path: Path) -> None:
    path = tmp_path / "x.TextGrid"
    path.write_text(FORMATS["textgrid"].write(Diarization("x", (Turn(0, 2, "a"), Turn(1, 3, "a"), Turn(3, 4, "a")))))
    assert read_turns(path)[0].turns == (Turn(0, 3, "a"), Turn(3, 4, "a"))


def test_other_programs_files(tmp_path: Path) -> None:
    """As WhisperX, Audacity and Praat write them."""
    files = {
        "a.srt": "\ufeff1\r\n00:00:01,000 --> 00:00:02,500\r\n[Ann]: one\r\nmore\r\n\r\n"
        "2\r\n00:00:03,000 --> 00:00:03,000\r\n[Bo]: x\r\n",
        "a.vtt": "WEBVTT - talk\n\nNOTE nobody\n\nid\n00:01.000 --> 00:02.500 align:left\n<v.loud Ann>one</v>\n",
        "a.txt": "1.0\t2.5\tAnn\n\\\t100\t200\n3.0\t3.0\tmark\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_bytes(text.encode())
        assert read_turns(tmp_path / name)[0].turns == (Turn(1.0, 2.5, "Ann"),), name
    short = '"ooTextFile"\n"TextGrid"\n0\n3\n<exists>\n2\n"IntervalTier" "Ann" 0 3 2\n0\n1\n""\n1\n2.5\n"hé ""you"""\n'
    short += '"TextTier" "x" 0 3 1 1 "a"\n'
    (tmp_path / "a.TextGrid").write_text(f"File type = {short}", encoding="utf-16")
    assert read_turns(tmp_path / "a.TextGrid") == [Diarization("a", (Turn(1.0, 2.5, "Ann"),), 3.0)]


WRONG = {
    "srt": [
        ("1\n00:00:01,000 --> 00:00:02,000\nhello\n", r":3: names no speaker: expected \[NAME\]"),
        ("1\n00:00:02,000 --> 00:00:01,000\n[a]\n", r":3: the end 1 s comes before the start 2 s"),
    ],
    "vtt": [
        ("00:01.000 --> 00:02.000\n<v a>b\n", r":1: expected WEBVTT"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nb\n", r":4: names no speaker: expected <v NAME>"),
    ],
    "json": [
        ("[]", r": expected what fastdiar diarize writes, an object"),
        ("{", r": not JSON"),
        ("[" * 100_000, r": not JSON"),
        ('{"uri": "a"}', r": turns: missing"),
        ('{"turns": [{"start": 2, "end": 1, "speaker": "a"}]}', r": turns\[0\]\.end: must not come before the start at 2 s: 1"),
        ('{"turns": [{"start": "0", "end": 1, "speaker": "a"}]}', r': turns\[0\]\.start: expected a number, found "0"'),
        ('{"turns": [{"start": 0, "end": NaN, "speaker": "a"}]}', r": turns\[0\]\.end: expected a number"),
        ('{"turns": [], "runner_up": {"turns": [3]}}', r": runner_up\.turns\[0\]: expected a table, found 3"),
    ],
    "textgrid": [
        ("hello\n", r":1: expected a text in quotes"),
        ('"ooTextFile"\n"Sound"\n', r": expected a TextGrid of Praat"),
        ('"ooTextFile"\n"TextGrid"\n0\n1\n<exists>\n1e99\n"IntervalTier"\n', r":7: expected a text in quotes"),
        ('"ooTextFile"\n"TextGrid"\n-1\n', r":2: expected a number of 0 or more"),
    ],
    "audacity": [
        ("0 1 a\n", r":1: expected a label of Audacity"),
        ("0\tx\ta\n", r":1: end is 'x': expected seconds"),
        ("2\t1\ta\n", r":1: the end 1 s comes before"),
    ],
    "csv": [
        ("", r":1: has no column 'start'"),
        ("start,end,speaker\n1,2\n", r":2: expected as many fields as there are columns"),
        ("start,end,speaker,confidence\n1,2,a,7\n", r":2: confidence is '7': expected 0 to 1"),
        ('start,end,speaker\n1,2,"a', r":1: not a table in CSV"),
    ],
    "rttm": [("SPEAKER a 1 0 inf <NA> <NA> a\n", r":1: duration is 'inf'")],
}


@pytest.mark.parametrize(("name", "text", "reason"), [(name, *each) for name, those in WRONG.items() for each in those])
def test_what_is_wrong_is_told_with_its_place(name: str, text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / f"wrong{FORMATS[name].suffix}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=re.escape(path.as_posix()) + reason):
        read_turns(path)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_at_all_is_read_or_refused(name: str, data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{FORMATS[name].suffix}"
    path.write_bytes(data)
    reason = str(path)
    try:
        assert all(turn.end > turn.start >= 0 for each in read_turns(path) for turn in each.turns)
    except FormatError as refused:
        reason = str(refused)
    assert reason.startswith(str(path))


def test_the_format_is_what_the_name_ends_in() -> None:
    assert all(named_format(f"a{each.suffix.upper()}") is each for each in FORMATS.values())
    assert named_format("a.wav") is None


def test_what_no_name_tells_is_rttm(tmp_path: Path) -> None:
    (tmp_path / "a.out").write_text("SPEAKER a 1 0 1 <NA> <NA> ann <NA> <NA>\n")
    assert [(one.uri, one.speakers) for one in read_turns(tmp_path / "a.out")] == [("a", ["ann"])]
    (tmp_path / "a.xml").write_text("<turns>\n")
    with pytest.raises(FormatError, match=r"a\.xml:1: expected an RTTM line, such as .*, got '<turns>'"):
        read_turns(tmp_path / "a.xml")


def test_a_format_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no format 'rtm' \(did you mean 'rttm'\?\): expected one of rttm, json"):
        read_turns(tmp_path / "a.xml", "rtm")


def test_names_media_types_and_suffixes_are_different() -> None:
    for values in zip(*(attrs.astuple(each)[:3] for each in FORMATS.values()), strict=True):
        assert len(set(values)) == len(FORMATS)
