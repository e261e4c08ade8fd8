"""`fastdiar analyze`: tables, figures, and a page on which the worst can be heard."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

for needed in ("pyannote.metrics", "jinja2", "matplotlib"):
    pytest.importorskip(needed)

from fastdiar.__main__ import run

Capture = pytest.CaptureFixture[str]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`meetings` with the dialogue and its reference, and `found`, where everything is one person's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "meetings").mkdir()
    (tmp_path / "found").mkdir()
    for suffix in ("flac", "rttm"):
        shutil.copy(EXAMPLES / f"dialogue.{suffix}", tmp_path / "meetings")
    lines = (EXAMPLES / "dialogue.rttm").read_text().splitlines()
    found = [" ".join([*line.split()[:7], "<script>", *line.split()[8:]]) for line in lines]
    (tmp_path / "found" / "dialogue.rttm").write_text("\n".join(found) + "\n")
    return tmp_path


def test_the_page_lets_the_worst_be_heard_and_figures_agree(folders: Path, capfd: Capture) -> None:
    assert run(["analyze", "meetings", "found", "-o", "errors.html", "--json", "errors.json"]) == 0
    assert "confusion: too few people" in capfd.readouterr().out
    figures = json.loads((folders / "errors.json").read_text())
    assert figures["seconds"] == pytest.approx(sum(each["seconds"] for each in figures["kinds"]))
    assert (figures["too_few"], figures["right"], figures["too_many"]) == (1, 0, 0)
    page = (folders / "errors.html").read_text()
    assert len(re.findall(r'<audio controls preload="none" src="data:audio/mpeg;base64,', page)) == len(figures["worst"]) > 0
    assert "<script" not in page


def test_without_recordings_there_is_a_page_and_a_warning(folders: Path, capfd: Capture) -> None:
    (folders / "meetings" / "dialogue.flac").unlink()
    assert run(["analyze", "meetings", "found", "-o", "errors.html"]) == 0
    assert "fastdiar: warning: dialogue: cannot be heard on the page" in capfd.readouterr().err
    assert "<audio" not in (folders / "errors.html").read_text()


def test_figures_alone(folders: Path, capfd: Capture) -> None:
    assert run(["analyze", "meetings", "found", "--json", "-"]) == 0
    assert json.loads(capfd.readouterr().out)["right"] == 0


def test_folders_that_do_not_match_are_one_line(folders: Path, capfd: Capture) -> None:
    (folders / "found" / "dialogue.rttm").rename(folders / "found" / "other.rttm")
    assert run(["analyze", "meetings", "found"]) == 2
    assert capfd.readouterr().err.count("\n") == 1
