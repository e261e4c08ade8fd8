"""`fastdiar enroll`, and `fastdiar diarize --known` with what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("onnxruntime", reason="running a model needs onnxruntime: pip install '.[cpu]'")

from fastdiar.__main__ import run

Capture = pytest.CaptureFixture[str]
DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"
RATE = 16_000
ANN, BOB = [(29.6, 33.3), (47.5, 50.7)], [(5.0, 10.75)]
"""Where two of the four voices speak alone."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `ann1.wav`, `ann2.wav`, `bob.wav`, and `talk.wav`: Bob, Ann and two others."""
    monkeypatch.chdir(tmp_path)
    samples = soundfile.read(DIALOGUE, dtype="float32")[0]
    parts = {"ann1": ANN[0], "ann2": ANN[1], "bob": BOB[0], "talk": (5.0, 26.2)}
    for name, (start, end) in parts.items():
        soundfile.write(f"{name}.wav", samples[round(start * RATE) : round(end * RATE)], RATE)
    return tmp_path


def test_who_was_enrolled_is_named_and_others_are_not(capfd: Capture) -> None:
    assert run(["enroll", "ann=ann1.wav", "ann=ann2.wav", "bob=bob.wav", "-o", "known.json"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["ann", "bob"]
    known = json.loads(Path("known.json").read_text())
    assert [(voice["name"], len(voice["vector"])) for voice in known["voices"]] == [("ann", 192), ("bob", 192)]
    assert run(["diarize", "talk.wav", "--known", "known.json", "--embeddings", "talk.npz"]) == 0
    names = [line.split()[7] for line in capfd.readouterr().out.splitlines()]
    assert names.count("ann") == 1
    assert {name for name in names if not name.startswith("speaker")} == {"ann", "bob"}
    assert len(set(names)) == 4
    with np.load("talk.npz", allow_pickle=False) as found:
        assert set(found["speaker"]) == set(names)


def test_another_model_refuses_them(capfd: Capture) -> None:
    assert run(["enroll", "ann=ann1.wav", "ann=ann2.wav", "-o", "known.json"]) == 0
    assert run(["diarize", "talk.wav", "ann1.wav", "--known", "known.json", "--model", "quickstart", "-o", "out"]) == 2
    assert capfd.readouterr().err == (
        "fastdiar: error: the known voices are of the model 'quality', and mean nothing to 'quickstart': "
        "enroll them again with --model quickstart\n"
    )
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["ann1.wav"], "'ann1.wav': expected NAME=FILE, such as ann=ann.wav"),
        (["ann="], "'ann=': expected NAME=FILE, such as ann=ann.wav"),
        (["ann=ann1.wav", "-o", "bob.wav"], "-o bob.wav: expected a name that ends in .json"),
        (["ann=none.wav", "ann=ann1.wav"], "none.wav: no such file"),
        (["=none.wav"], "a person's name must be a name of 1 to 100 printable characters: ''"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(arguments: list[str], reason: str, capfd: Capture) -> None:
    before = Path("bob.wav").read_bytes()
    options = [] if "-o" in arguments else ["-o", "known.json"]
    assert run(["enroll", *arguments, *options]) == 2
    assert capfd.readouterr() == ("", f"fastdiar: error: {reason}\n")
    assert not Path("known.json").exists()
    assert Path("bob.wav").read_bytes() == before


def test_too_little_speech_and_other_mistakes_are_told_together(capfd: Capture) -> None:
    assert run(["enroll", "ann=ann1.wav", "bob=none.wav", "-o", "known.json"]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("fastdiar: error: ann: 3.")
    assert lines[0].endswith(" s of speech are not enough: expected at least 5 s")
    assert lines[1] == "fastdiar: error: none.wav: no such file"
