"""`fastdiar stream`: lines of JSON as somebody speaks."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

pytest.importorskip("onnxruntime", reason="running a model needs onnxruntime: pip install '.[cpu]'")

from fastdiar.__main__ import run

Capture = pytest.CaptureFixture[str]
DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"
RATE = 16_000


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """The first two voices of the dialogue, 16-bit."""
    return soundfile.read(DIALOGUE, frames=8 * RATE, dtype="int16")[0]


def give(data: bytes, monkeypatch: pytest.MonkeyPatch, terminal: bool = False) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: terminal))


def told(capfd: Capture) -> list[dict]:
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_a_file_and_bare_samples_tell_the_same(
    talk: np.ndarray, tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "talk.wav", talk, RATE)
    assert run(["stream", str(tmp_path / "talk.wav"), "--model", "quickstart"]) == 0
    events = told(capfd)
    assert {event["event"] for event in events} >= {"turn", "final"} and events[-1]["event"] == "final"
    assert {turn["speaker"] for turn in events[-1]["turns"]} == {"speaker1", "speaker2"}
    give(np.stack([talk, talk], axis=1).tobytes() + b"\x01\x02\x03", monkeypatch)  # stopped within a sample
    assert run(["stream", "--channels", "2", "--model", "quickstart"]) == 0
    assert told(capfd) == events


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"RIFF" + bytes(4000), "standard input: is a recording with a header, not bare samples: give the file's name"),
        (b"", "stdin: holds only 0 ms of sound: expected at least 100 ms"),
    ],
)
def test_what_is_no_sound_is_one_line(data: bytes, reason: str, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    give(data, monkeypatch)
    assert run(["stream", "--model", "quickstart"]) == 2
    assert capfd.readouterr().err == f"fastdiar: error: {reason}\n"


def test_a_terminal_is_no_sound_and_a_file_has_a_rate(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    give(b"", monkeypatch, terminal=True)
    assert run(["stream"]) == 2
    assert "nothing is piped into standard input: give a recording" in capfd.readouterr().err
    assert run(["stream", "talk.wav", "--rate", "8000"]) == 2
    assert "--rate and --channels are for standard input: talk.wav says its own" in capfd.readouterr().err


def test_a_missing_file_is_one_line(capfd: Capture) -> None:
    assert run(["stream", "nowhere.wav", "--model", "quickstart"]) == 2
    assert capfd.readouterr().err == "fastdiar: error: nowhere.wav: no such file\n"
