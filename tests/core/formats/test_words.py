"""Words go to whoever speaks while they are said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.errors import FormatError
from fastdiar.core.formats.words import WORD_FORMATS, Word, assign, read_words
from fastdiar.core.types import Turn

ANN, BO = Turn(0, 2, "ann"), Turn(3, 5, "bo")


def said(start: float, end: float, *turns: Turn) -> str | None:
    return assign([Word(" x", start, end, 0)], turns)[0].speaker


def transcript(path: Path, *segments: dict[str, Any]) -> list[Word]:
    path.write_text(json.dumps({"segments": segments, "language": "en"}), encoding="utf-8")
    return read_words(path)


def test_the_longest_overlap_counts_over_all_turns_of_a_person() -> None:
    assert said(1.5, 3.6, ANN, BO) == "bo"
    assert said(1.4, 3.5, ANN, BO) == "ann"
    assert said(0, 3, Turn(0, 1, "ann"), Turn(1, 2.2, "bo"), Turn(2.2, 3, "ann")) == "ann"


def test_where_nobody_speaks_the_nearest_said_it() -> None:
    assert said(2.1, 2.3, ANN, BO) == "ann"
    assert said(2.7, 2.8, ANN, BO) == "bo"
    assert said(9, 9, ANN, BO) == "bo"
    assert said(1, 2) is None


def test_where_two_speak_alike_it_is_who_said_the_word_before() -> None:
    together = (Turn(0, 4, "ann"), Turn(2, 6, "bo"))
    words = [Word(" x", start, start + 0.5, 0) for start in (5.0, 3.0, 1.0, 3.0)]
    assert [word.speaker for word in assign(words, together)] == ["bo", "bo", "ann", "ann"]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9), st.sampled_from("abc")), min_size=1, max_size=8))
def test_nobody_is_named_who_does_not_overlap_where_somebody_does(drawn: list[tuple[int, int, str]]) -> None:
    turns = [Turn(start, start + length + 1, name) for start, length, name in drawn]
    for word in assign([Word(" x", start, start + 2, 0) for start in range(0, 60, 3)], turns):
        over = {turn.speaker for turn in turns if min(turn.end, word.end) > max(turn.start, word.start)}
        assert word.speaker in (over or {turn.speaker for turn in turns})


def test_whisperx_leaves_times_out_and_whisper_has_blanks(tmp_path: Path) -> None:
    words = transcript(
        tmp_path / "x.json",
        {
            "start": 1.0,
            "text": " In 1999 we",
            "words": [{"word": "In", "start": 1.0, "end": 1.2}, {"word": "1999"}, {"word": "we"}],
        },
        {
            "start": 4.0,
            "text": "你好",
            "words": [{"word": "你", "start": 4.0, "end": 4.1}, {"word": "好", "start": 4.1, "end": 4.2}],
        },
    )
    assert [(word.text, word.start, word.end) for word in words[:3]] == [
        (" In", 1.0, 1.2),
        (" 1999", 1.2, 1.2),
        (" we", 1.2, 1.2),
    ]
    assert WORD_FORMATS["txt"](assign(words, [Turn(0, 3, "ann"), BO])) == "ann: In 1999 we\nbo: 你好\n"


def test_json_is_as_whisperx_writes_it(tmp_path: Path) -> None:
    segment = {
        "start": 0.0,
        "text": "a b",
        "words": [{"word": "a", "start": 0.5, "end": 1.0}, {"word": "b", "start": 3.0, "end": 4.0}],
    }
    spoken = assign(transcript(tmp_path / "x.json", segment), [ANN, BO])
    content = json.loads(WORD_FORMATS["json"](spoken))
    assert content["segments"][1] == {
        "text": "b",
        "start": 3.0,
        "end": 4.0,
        "speaker": "bo",
        "words": [{"word": "b", "start": 3.0, "end": 4.0, "speaker": "bo"}],
    }
    (tmp_path / "y.json").write_text(json.dumps(content), encoding="utf-8")
    assert [(word.text.strip(), word.start) for word in read_words(tmp_path / "y.json")] == [("a", 0.5), ("b", 3.0)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"text": "x"}, r": segments: missing"),
        ({"segments": [{"start": 0, "text": "x"}]}, r": segments\[0\]: has no words: expected what Whisper writes"),
        ({"segments": [{"words": [{"start": 1}]}]}, r": segments\[0\]\.words\[0\]\.word: missing"),
        (
            {"segments": [{"words": [{"word": "x", "start": "1"}]}]},
            r': segments\[0\]\.words\[0\]\.start: expected a number, found "1"',
        ),
    ],
)
def test_other_json_is_refused_with_its_place(content: dict[str, Any], reason: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(FormatError, match=r"x\.json" + reason):
        read_words(tmp_path / "x.json")
