"""`fastdiar convert` and `fastdiar assign`: turns in other formats, and words with speakers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from fastdiar.__main__ import run
from fastdiar.cli.styles import Style
from fastdiar.core.formats import FORMATS, read_turns

DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"
Capture = pytest.CaptureFixture[str]
RTTM = "SPEAKER {uri} 1 0.500 1.500 <NA> <NA> ann <NA> <NA>\nSPEAKER {uri} 1 2.000 1.000 <NA> <NA> bo <NA> <NA>\n"
WORDS = {
    "segments": [
        {
            "start": 0.5,
            "end": 2.9,
            "text": " Hello there. Hi!",
            "words": [
                {"word": " Hello", "start": 0.5, "end": 0.9, "probability": 0.9},
                {"word": " there.", "start": 0.9, "end": 1.9},
                {"word": " Hi!", "start": 2.1, "end": 2.9},
            ],
        }
    ]
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("talk.rttm").write_text(RTTM.format(uri="talk"))
    Path("talk.words.json").write_text(json.dumps(WORDS))
    return tmp_path


def test_the_options_name_every_format() -> None:
    assert [style.value for style in Style] == list(FORMATS)


def test_a_file_to_every_format_and_back() -> None:
    for each in FORMATS.values():
        assert run(["convert", "talk.rttm", f"there{each.suffix}"]) == 0
        assert run(["convert", f"there{each.suffix}", "back.csv"]) == 0
        assert read_turns(Path("back.csv"))[0].turns == read_turns(Path("talk.rttm"))[0].turns


def test_formats_by_option() -> None:
    assert run(["convert", "talk.rttm", "labels", "--to", "audacity"]) == 0
    assert run(["convert", "labels", "labels.rttm", "--from", "audacity"]) == 0
    assert Path("labels.rttm").read_text() == RTTM.format(uri="labels")


def test_the_place_to_write_to_may_be_an_option(capsys: Capture) -> None:
    assert run(["convert", "talk.rttm", "-o", "talk.srt"]) == 0
    assert read_turns(Path("talk.srt"))[0].turns == read_turns(Path("talk.rttm"))[0].turns
    assert run(["convert", "talk.rttm"]) == run(["convert", "talk.rttm", "one.srt", "-o", "two.srt"]) == 2
    told = capsys.readouterr().err
    assert "say where to write to: fastdiar convert talk.rttm -o OUT" in told and "say one place to write to" in told
    assert not Path("one.srt").exists() and not Path("two.srt").exists()


def test_a_dash_is_standard_output(capsys: Capture) -> None:
    assert run(["convert", "talk.rttm", "-", "--to", "srt"]) == run(["assign", "talk.words.json", "talk.rttm", "-o", "-"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("1\n00:00:00,500 --> ") and told.endswith("ann: Hello there.\nbo: Hi!\n")
    Path("all.rttm").write_text(RTTM.format(uri="one") + RTTM.format(uri="two"))
    assert run(["convert", "all.rttm", "-"]) == 2
    assert "-: is a file: 2 recordings need a folder" in capsys.readouterr().err
    assert not Path("-").exists()


def test_diarize_writes_them_too() -> None:
    pytest.importorskip("onnxruntime")
    soundfile.write("talk.wav", soundfile.read(DIALOGUE, frames=11 * 16_000, dtype="int16")[0], 16_000)
    assert run(["diarize", "talk.wav", "-o", "talk.srt", "--model", "quickstart"]) == 0
    assert run(["diarize", "talk.wav", "-o", "there/", "--format", "textgrid", "--model", "quickstart"]) == 0
    spoken = [read_turns(Path(name))[0].turns for name in ("talk.srt", "there/talk.TextGrid")]
    assert len({turn.speaker for turn in spoken[0]}) == 2 and spoken[0] == spoken[1]


def test_several_recordings_go_to_a_folder(capfd: Capture) -> None:
    Path("all.rttm").write_text(RTTM.format(uri="one") + RTTM.format(uri="two"))
    assert run(["convert", "all.rttm", "srt", "--to", "srt"]) == 0
    assert sorted(path.name for path in Path("srt").iterdir()) == ["one.srt", "two.srt"]
    assert run(["convert", "all.rttm", "all.srt"]) == 2
    assert "all.srt: is a file: 2 recordings need a folder to be written to" in capfd.readouterr().err


@pytest.mark.parametrize("uri", ["../evil", "/evil", "..", "a/b"])
def test_no_name_of_a_recording_leads_out_of_the_folder(uri: str, here: Path, capfd: Capture) -> None:
    Path("all.rttm").write_text(RTTM.format(uri=uri) + RTTM.format(uri="two"))
    before = sorted(here.parent.rglob("*"))
    assert run(["convert", "all.rttm", "out", "--to", "srt"]) == 2
    assert f"recording '{uri}': is no name of a file" in capfd.readouterr().err
    assert sorted(here.parent.rglob("*")) == before


def test_words_get_their_speakers(capfd: Capture) -> None:
    assert run(["assign", "talk.words.json", "talk.rttm"]) == 0
    assert capfd.readouterr().out == "ann: Hello there.\nbo: Hi!\n"
    assert run(["assign", "talk.words.json", "talk.rttm", "-o", "talk.srt"]) == 0
    assert Path("talk.srt").read_text().startswith("1\n00:00:00,500 --> 00:00:01,900\n[ann]: Hello there.\n")
    assert [turn.speaker for turn in read_turns(Path("talk.srt"))[0].turns] == ["ann", "bo"]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (["convert", "talk.xml", "x.srt"], "talk.xml:1: expected an RTTM line"),
        (["convert", "gone.rttm", "x.srt"], "gone.rttm: cannot be read: No such file"),
        (["assign", "talk.words.json", "talk.rttm", "-o", "x.rttm"], "-o x.rttm: expected a name that ends in .json"),
        (["assign", "talk.rttm", "talk.rttm"], "talk.rttm: not JSON: expected what Whisper writes"),
        (["assign", "talk.words.json", "two.rttm"], "two.rttm: holds 2 recordings, the words are of one"),
    ],
)
def test_a_mistake_is_one_line(call: list[str], reason: str, capfd: Capture) -> None:
    Path("two.rttm").write_text(RTTM.format(uri="one") + RTTM.format(uri="two"))
    Path("talk.xml").write_text("<talk>")
    assert run(call) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"fastdiar: error: {reason}") and said.count("\n") == 1
    assert not Path("x.srt").exists()
