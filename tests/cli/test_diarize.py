"""`fastdiar diarize`: turns come out where they should, and what cannot be diarized says why, in a line."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("onnxruntime", reason="running a model needs onnxruntime: pip install '.[cpu]'")

from fastdiar.__main__ import run
from fastdiar.core.formats import read_rttm

Capture = pytest.CaptureFixture[str]
Golden = Callable[[str, str], None]
DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "diarize"
RATE = 16_000
OUR_WORDS, OTHERS_WORDS = ("missing", "empty", "no-samples", "nan", "5-ms"), ("corrupt", "text")
"""Recordings that cannot be diarized; of the second kind libsndfile says why."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own: what it makes there, errors name without a path."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def talk() -> np.ndarray:
    """The first two voices of the dialogue."""
    return soundfile.read(DIALOGUE, frames=11 * RATE, dtype="float32")[0]


def write(name: str, samples: np.ndarray) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(name, samples, RATE, subtype="FLOAT" if name.endswith(".wav") else None)
    return name


def spoil(kind: str) -> str:
    """A recording that cannot be diarized; returns its name."""
    name = f"{kind}.wav"
    if kind in ("text", "empty"):
        Path(name).write_text("dear diary\n" * 50 if kind == "text" else "")
    elif kind != "missing":
        samples = {"no-samples": 0, "5-ms": RATE // 200}.get(kind, RATE)
        write(name, np.full(samples, np.nan if kind == "nan" else 0.0))
    if kind == "corrupt":
        Path(name).write_bytes(Path(name).read_bytes()[:20])
    return name


@pytest.mark.parametrize("kind", [*OUR_WORDS, *OTHERS_WORDS])
def test_a_bad_recording_is_one_line_and_the_others_are_done(kind: str, talk: np.ndarray, golden: Golden, capfd: Capture) -> None:
    sources = [write("before.wav", talk[: 5 * RATE]), spoil(kind), write("after.wav", talk[: 5 * RATE])]
    assert run(["diarize", *sources, "-o", "out"]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"fastdiar: error: {kind}.wav: ") and printed.err.count("\n") == 1
    if kind in OTHERS_WORDS:
        assert f"{kind}.wav: not a recording that can be read: " in printed.err
    else:
        golden(f"diarize/{kind}.txt", printed.err)
    assert sorted(path.name for path in Path("out").iterdir()) == ["after.rttm", "before.rttm"]
    assert list(read_rttm(Path("out/after.rttm"))) == ["after"]


def test_a_bad_recording_leaves_no_file_of_its_own() -> None:
    assert run(["diarize", spoil("nan"), "-o", "new/"]) == 2
    assert [path.name for path in Path().iterdir()] == ["nan.wav"]


MISTAKES = {
    "unknown-model": ["talk.wav", "--model", "qualty"],
    "not-a-model": ["talk.wav", "--model", "."],
    "cuda": ["talk.wav", "talk.wav", "--provider", "cuda"],
    "equal-stems": ["monday/talk.wav", "tuesday/talk.wav", "-o", "out"],
    "several-as-json": ["talk.wav", "other.wav", "--format", "json"],
    "several-into-a-file": ["talk.wav", "other.wav", "-o", "notes.txt"],
    "into-itself": ["talk.wav", "-o", "talk.wav", "--format", "rttm"],
    "unknown-ending": ["talk.wav", "-o", "turns.jsno"],
    "no-such-channel": ["talk.wav", "--channel", "1"],
    "channel-by-name": ["talk.wav", "other.wav", "--channel", "left"],
    "number-twice": ["talk.wav", "--num-speakers", "2", "--max-speakers", "3"],
    "minimum-above-maximum": ["talk.wav", "--min-speakers", "3", "--max-speakers", "2"],
    "output-in-a-file": ["talk.wav", "-o", "notes.txt/x.rttm"],
    "embeddings-elsewhere": ["talk.wav", "--embeddings", "notes.txt"],
    "known-missing": ["talk.wav", "--known", "nobody.json"],
    "known-not-json": ["talk.wav", "--known", "notes.txt"],
    "known-of-another-model": ["talk.wav", "other.wav", "--known", "known.json"],
    "runner-up-as-rttm": ["talk.wav", "--runner-up"],
    "split-and-number": ["talk.wav", "--channel", "split", "--num-speakers", "2"],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(
    name: str, talk: np.ndarray, golden: Golden, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    for source in ("talk.wav", "other.wav", "monday/talk.wav", "tuesday/talk.wav"):
        write(source, talk[: 2 * RATE])
    Path("notes.txt").write_text("keep me")
    Path("known.json").write_text('{"format": 1, "model": {"name": "small", "checksum": "ab"}, "voices": []}')
    before = Path("talk.wav").read_bytes()
    assert run(["diarize", *MISTAKES[name]]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    golden(f"diarize/{name}.txt", printed.err)
    there = ["known.json", "monday", "notes.txt", "other.wav", "talk.wav", "tuesday"]
    assert sorted(path.name for path in Path().iterdir()) == there
    assert (Path("notes.txt").read_text(), Path("talk.wav").read_bytes()) == ("keep me", before)


@pytest.mark.parametrize("option", [["--num-speakers", "0"], ["--format", "xml"], ["--threads", "none"]])
def test_a_value_that_cannot_be_is_one_line(option: list[str], capfd: Capture) -> None:
    assert run(["diarize", "talk.wav", *option]) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"fastdiar: error: Invalid value for '{option[0]}': ") and said.count("\n") == 1


def test_without_onnxruntime_it_says_what_to_install(
    talk: np.ndarray, golden: Golden, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert run(["diarize", write("a.wav", talk), write("b.wav", talk), "-o", "out"]) == 2
    golden("diarize/without-onnxruntime.txt", capfd.readouterr().err)
    assert not Path("out").exists()


def test_a_name_cannot_steer_the_terminal(capfd: Capture) -> None:
    assert run(["diarize", "\x1b[31mred\x07.wav"]) == 2
    assert capfd.readouterr().err == "fastdiar: error: \\x1b[31mred\\x07.wav: no such file\n"


def test_silence_is_an_empty_rttm(capfd: Capture) -> None:
    assert run(["diarize", write("silence.wav", np.zeros(3 * RATE)), "--num-speakers", "2", "-o", "x.rttm"]) == 0
    assert Path("x.rttm").read_bytes() == b""
    assert read_rttm(Path("x.rttm")) == {}
    assert capfd.readouterr() == ("", "fastdiar: warning: silence: asked for 2 speakers, found speech for 0\n")


def test_a_wish_larger_than_the_speech_allows_is_a_warning(talk: np.ndarray, capfd: Capture) -> None:
    assert run(["diarize", write("blink.wav", talk[RATE : 2 * RATE]), "--num-speakers", "6"]) == 0
    printed = capfd.readouterr()
    assert printed.err.startswith("fastdiar: warning: blink: asked for 6 speakers, found speech for ")
    assert printed.out.startswith("SPEAKER blink 1 ")


def test_blanks_in_a_name_become_underscores(talk: np.ndarray, capfd: Capture) -> None:
    source = write("my long talk.flac", talk)
    assert run(["diarize", source]) == 0
    assert {line.split()[1] for line in capfd.readouterr().out.splitlines()} == {"my_long_talk"}
    assert run(["diarize", source, "-o", "."]) == 0
    assert list(read_rttm(Path("my long talk.rttm"))) == ["my_long_talk"]


def test_standard_input_to_standard_output(talk: np.ndarray) -> None:
    file = io.BytesIO()
    soundfile.write(file, talk, RATE, format="FLAC")
    command = [sys.executable, "-m", "fastdiar", "diarize", "-", "-o", "-"]
    done = subprocess.run(command, input=file.getvalue(), capture_output=True, check=True)
    assert run(["diarize", write("talk.flac", talk), "-o", "talk.rttm"]) == 0
    assert done.stdout.decode() == Path("talk.rttm").read_text().replace(" talk ", " stdin ")
    assert done.stderr == b""


@pytest.mark.parametrize("sent", [b"", b"dear diary"])
def test_bad_standard_input_is_one_line(sent: bytes, monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sent)))
    assert run(["diarize", "-"]) == 2
    printed = capfd.readouterr()
    assert printed.err.startswith("fastdiar: error: standard input: ") and printed.err.count("\n") == 1


@pytest.mark.parametrize("how", [["-o", "x.json"], ["--format", "json"], ["--format", "json", "-o", "out/"]])
def test_json_holds_the_same_turns(how: list[str], talk: np.ndarray, capfd: Capture) -> None:
    source = write("talk.flac", talk)
    assert run(["diarize", source, *how]) == 0
    files = [*Path().glob("*.json"), *Path().glob("out/*.json")]
    text = files[0].read_text(encoding="utf-8") if files else capfd.readouterr().out
    content = json.loads(text)
    assert run(["diarize", source, "-o", "x.rttm"]) == 0
    turns = read_rttm(Path("x.rttm"))["talk"]
    assert [(turn["start"], turn["speaker"]) for turn in content["turns"]] == [(turn.start, turn.speaker) for turn in turns]
    assert content["uri"] == "talk"
    assert content["seconds"] == 11.0
    assert content["warnings"] == []


@pytest.mark.parametrize("output", ["there", "new/", "new/deeper/"])
def test_folders_are_made_where_they_are_missing(output: str, talk: np.ndarray) -> None:
    Path("there").mkdir()
    assert run(["diarize", write("talk.flac", talk[: 5 * RATE]), "-o", output]) == 0
    (found,) = Path().rglob("*.rttm")
    assert found == Path(output) / "talk.rttm"


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (["diarize", "talk.wav", "-o", "typo/x.rttm"], "typo: no such folder: x.rttm is to be written there"),
        (["diarize", "talk.wav", "--embeddings", "typo/x.npz"], "typo: no such folder: x.npz is to be written there"),
        (["enroll", "ann=talk.wav", "-o", "typo/known.json"], "typo: no such folder: known.json is to be written there"),
        (["convert", "talk.rttm", "typo/x.srt"], "typo: no such folder: x.srt is to be written there"),
        (["assign", "talk.json", "talk.rttm", "-o", "typo/x.srt"], "typo: no such folder: x.srt is to be written there"),
        (["view", "talk.wav", "talk.rttm", "-o", "typo/x.html"], "typo: no such folder: x.html is to be written there"),
        (
            ["analyze", "talk.rttm", "talk.rttm", "--json", "/dev"],
            "/dev: is a folder: choose another name, or - for standard output",
        ),
        (["diarize", "talk.wav", "-o", "loop"], "loop: is a link to itself: choose another name"),
        (["evaluate", "light", "--data", ".", "--report", "typo/x.html"], "typo: no such folder: x.html is to be written there"),
        (
            ["tune", "light", "--data", ".", "--key", "a=1", "-o", "talk.wav/x"],
            "talk.wav: is not a folder: x is to be written there",
        ),
        (["diarize", "talk.wav", "-o", "locked/x.rttm"], "locked: may not be written to: choose another folder"),
        (["diarize", "talk.wav", "other.wav", "-o", "locked/new"], "locked: may not be written to: choose another folder"),
    ],
)
def test_where_nothing_can_be_written_is_told_before_any_work(
    call: list[str], reason: str, talk: np.ndarray, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    write("talk.wav", talk[: 2 * RATE])
    Path("talk.rttm").write_text("SPEAKER talk 1 0 1 <NA> <NA> ann <NA> <NA>\n")
    Path("locked").mkdir()
    Path("loop").symlink_to("loop")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != Path("locked"))
    before = sorted(Path().rglob("*"))
    assert run(call) == 2
    assert capfd.readouterr().err == f"fastdiar: error: {reason}\n"
    assert sorted(Path().rglob("*")) == before


def test_several_recordings_follow_each_other_on_standard_output(talk: np.ndarray, capfd: Capture) -> None:
    assert run(["diarize", write("one.flac", talk), write("two.flac", talk)]) == 0
    lines = capfd.readouterr().out.splitlines()
    half = len(lines) // 2
    assert [line.replace(" one ", " two ") for line in lines[:half]] == lines[half:]


def test_embeddings_of_several_recordings_lie_in_one_file(talk: np.ndarray, capfd: Capture) -> None:
    sources = [write("one.flac", talk), spoil("nan"), write("hush.wav", np.zeros(2 * RATE)), write("two.flac", talk[: 5 * RATE])]
    assert run(["diarize", *sources, "-o", "out", "--embeddings", "voices.npz"]) == 2
    assert capfd.readouterr().err.count("\n") == 1
    with np.load("voices.npz", allow_pickle=False) as found:
        assert found["recording"].tolist() == ["one", "one", "two"]
        assert found["speaker"].tolist() == ["speaker1", "speaker2", "speaker1"]
        assert found["model"][0] == "quality"
        one, other, again = found["vector"]
        assert one @ again > 0.9 > 0.6 > one @ other
        assert found["seconds"] == pytest.approx([4.2, 5.6, 4.2], abs=0.5)


def test_no_embeddings_are_written_where_nothing_was_heard() -> None:
    assert run(["diarize", spoil("nan"), "--embeddings", "voices.npz"]) == 2
    assert not Path("voices.npz").exists()


def test_split_channels_are_named_by_number(talk: np.ndarray, capfd: Capture) -> None:
    one, other = talk[: 5 * RATE], talk[5 * RATE : 10 * RATE]
    assert run(["diarize", write("call.wav", np.stack([one, other], axis=1)), "--channel", "split"]) == 0
    printed = capfd.readouterr()
    assert {line.split()[7] for line in printed.out.splitlines()} == {"channel0", "channel1"}
    assert printed.err == ""


def test_no_golden_text_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*OUR_WORDS, *MISTAKES, "without-onnxruntime"}
