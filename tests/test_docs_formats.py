"""What the page on formats shows works as shown."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from fastdiar.__main__ import run
from fastdiar.cli import app
from fastdiar.core.formats import FORMATS

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")


def blocks(language: str) -> str:
    """The page's fenced blocks."""
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def test_every_format_has_its_row() -> None:
    assert re.findall(r"^\| `(\w+)` \| `(\.\w+)` \|", PAGE, re.MULTILINE) == [
        (each.name, each.suffix) for each in FORMATS.values()
    ]


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    line = "SPEAKER {} 1 0.500 1.500 <NA> <NA> ann <NA> <NA>\n"
    Path("meeting.rttm").write_text(line.format("meeting"))
    Path("corpus.rttm").write_text(line.format("one") + line.format("two"))
    Path("labels.txt").write_text("0.5\t2.0\tann\n")
    words = {"segments": [{"start": 0.5, "text": " Hi", "words": [{"word": " Hi", "start": 0.5, "end": 1.0}]}]}
    Path("words.json").write_text(json.dumps(words))
    calls = [shlex.split(line, comments=True) for line in blocks("sh").splitlines()]
    assert [call[1] for call in calls] == ["diarize", "convert", "convert", "convert", "assign"]
    get_command(app).commands["diarize"].make_context("diarize", calls[0][2:])  # type: ignore[attr-defined]
    for call in calls[1:]:
        assert run(call[1:]) == 0, capsys.readouterr().err
    assert Path("spoken.srt").read_text().endswith("[ann]: Hi\n\n")


def test_the_code() -> None:
    for needed in ("pyannote.core", "lhotse"):
        pytest.importorskip(needed)
    exec(blocks("python"), {})
