"""`fastdiar score`: figures worked out by hand, as a table and as JSON."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")

from fastdiar.__main__ import run
from fastdiar.core.types import Diarization, Turn

Capture = pytest.CaptureFixture[str]
REFERENCE = (Turn(0, 10, "ann"), Turn(10, 20, "bob"))
APART = "fastdiar convert takes it apart"
LATE = (Turn(0, 12, "x"), Turn(12, 19, "y"))
"""Two seconds of twenty are given to the wrong person, and one is missed."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def write(name: str, turns: tuple[Turn, ...], uri: str = "talk") -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(Diarization(uri, turns).to_rttm())
    return name


def figures(capfd: Capture, *arguments: str) -> dict[str, list[dict[str, float]]]:
    assert run(["score", *arguments, "--json"]) == 0
    return json.loads(capfd.readouterr().out)["scores"]


def test_strict_and_lenient_stand_side_by_side(capfd: Capture) -> None:
    pair = write("ref.rttm", REFERENCE), write("hyp.rttm", LATE, uri="another")
    scores = figures(capfd, *pair)
    assert list(scores) == ["strict", "lenient"]
    (strict,), (lenient,) = scores.values()
    assert [strict[part] for part in ("missed", "false_alarm", "confusion", "speech")] == pytest.approx([1, 0, 2, 20])
    assert strict["der"] == pytest.approx(0.15)
    assert (strict["speakers"], strict["found"]) == (2, 2)
    assert 0 < lenient["der"] < 0.15


def test_the_table_names_its_reference_and_its_conditions(capfd: Capture) -> None:
    assert run(["score", write("ref[a].rttm", REFERENCE), write("hyp.rttm", LATE)]) == 0
    text = capfd.readouterr().out
    assert "reference ref[a].rttm; scored: everything up to the last turn's end" in text
    assert "strict: collar 0 s (±0 s), overlap scored" in text
    assert "lenient: collar 0.5 s (±0.25 s), overlap not scored" in text
    row = next(line for line in text.splitlines() if line.split()[:1] == ["ref[a]"])
    assert row.split()[1:5] == ["15.0", "5.0", "0.0", "10.0"]


def test_a_uem_and_conditions_of_ones_own(capfd: Capture) -> None:
    Path("talk.uem").write_text("talk 1 0 10\n")
    scores = figures(capfd, write("ref.rttm", REFERENCE), write("hyp.rttm", LATE), "--uem", "talk.uem", "--collar", "0.2")
    assert list(scores) == ["as asked"]
    assert scores["as asked"][0]["der"] == 0


def test_folders_are_pooled(capfd: Capture) -> None:
    write("ref/one.rttm", REFERENCE, "one"), write("ref/two.rttm", REFERENCE, "two")
    write("hyp/one.mix.rttm", LATE, "one.mix"), write("hyp/two.rttm", REFERENCE, "two")
    strict = figures(capfd, "ref", "hyp")["strict"]
    assert [(one["uri"], one["der"]) for one in strict] == [
        ("one", pytest.approx(0.15)),
        ("two", 0),
        ("all 2", pytest.approx(0.075)),
    ]


def test_silence_against_speech_and_speech_against_silence(capfd: Capture) -> None:
    some, none = write("some.rttm", REFERENCE), write("none.rttm", ())
    assert figures(capfd, some, none)["strict"][0]["der"] == 1
    assert figures(capfd, none, some)["strict"][0]["der"] is None
    assert run(["score", none, none]) == 0


@pytest.mark.parametrize(
    ("uem", "message"), [("a.uem", "a.uem: says nothing of b: "), ("uems", "uems: holds no b.uem: ")], ids=["file", "folder"]
)
def test_files_under_different_conditions_are_not_pooled(uem: str, message: str, capfd: Capture) -> None:
    for folder, name in product(("ref", "hyp"), "ab"):
        Path(folder).mkdir(exist_ok=True)
        Path(folder, f"{name}.rttm").write_text(Diarization(name, REFERENCE).to_rttm())
    Path("uems").mkdir()
    for path in (Path("a.uem"), Path("uems", "a.uem")):
        path.write_text("a 1 0 10\n")
    assert run(["score", "ref", "hyp", "--uem", uem]) == 2
    assert capfd.readouterr().err.startswith(f"fastdiar: error: {message}a UEM must name every recording")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.rttm", "hyp.rttm"], "gone.rttm: cannot be read: No such file or directory"),
        (["ref.rttm", "."], "ref.rttm and .: expected two files of turns, or two folders of RTTM files"),
        (["ref.rttm", "odd.rttm"], "odd.rttm:1: expected at least 8 fields of a SPEAKER line, got 3"),
        (["ref.rttm", "two.rttm"], f"two.rttm: holds 2 recordings (a, b…): expected one a file: {APART}"),
        (["ref.rttm", "hyp.rttm", "--uem", "gone.uem"], "gone.uem: cannot be read: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], message: str, capfd: Capture) -> None:
    write("ref.rttm", REFERENCE), write("hyp.rttm", LATE)
    Path("odd.rttm").write_text("SPEAKER talk 1\n")
    one, other = (Diarization(uri, REFERENCE).to_rttm() for uri in "ab")
    Path("two.rttm").write_text(one + other)
    assert run(["score", *arguments]) == 2
    assert capfd.readouterr() == ("", f"fastdiar: error: {message}\n")


def test_without_pyannote_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyannote.metrics", None)
    assert run(["score", write("ref.rttm", REFERENCE), write("hyp.rttm", LATE)]) == 2
    assert "scoring needs a part that is not installed: pip install '.[score]'" in capfd.readouterr().err


def test_any_format_of_turns_is_scored(capfd: Capture) -> None:
    pair = write("ref.rttm", REFERENCE), write("hyp.rttm", LATE)
    expected = figures(capfd, *pair)
    assert run(["convert", "hyp.rttm", "-o", "hyp.json"]) == run(["convert", "ref.rttm", "-o", "ref.TextGrid"]) == 0
    assert figures(capfd, "ref.TextGrid", "hyp.json")["strict"][0]["der"] == expected["strict"][0]["der"]


def test_a_pipe_gets_whole_tables(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    name = "a_name_that_is_longer_than_a_terminal_is_wide"
    assert run(["score", write(f"{name}.rttm", REFERENCE), write("hyp.rttm", LATE)]) == 0
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines() if "15.0" in line] == [name]
