"""`fastdiar view`: one file that shows who spoke when, with nothing loaded and nothing run that a stranger wrote."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.__main__ import run
from fastdiar.core.types import Diarization, Turn
from fastdiar.page.view import MOST_PEAKS, hear, page, same_people

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SAMPLE, REFERENCE = str(EXAMPLES / "dialogue.flac"), str(EXAMPLES / "dialogue.rttm")
Capture = pytest.CaptureFixture[str]


def content(written: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="content">(.*?)</script>', written.read_text(encoding="utf-8"))
    assert found is not None
    return json.loads(found[1])


def test_the_page_holds_turns_reference_and_sound(tmp_path: Path) -> None:
    other = tmp_path / "found.rttm"
    other.write_text(Path(REFERENCE).read_text().replace(" slt ", " ann "))
    assert run(["view", SAMPLE, str(other), "--reference", REFERENCE, "-o", str(tmp_path / "x.html")]) == 0
    written = content(tmp_path / "x.html")
    assert (written["name"], round(written["seconds"], 1)) == ("dialogue.flac", 51.2)
    assert len(written["turns"]) == len(written["reference"]) == 13
    assert written["same"] == {"slt": "ann", "awb": "awb", "rms": "rms", "kal16": "kal16"}
    assert len(written["peaks"]) == pytest.approx(20 * written["seconds"], abs=1)
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(written["audio"]["data"])))
    assert len(samples) / rate == pytest.approx(written["seconds"], abs=0.1)
    assert (tmp_path / "x.html").stat().st_size < 500_000


def test_a_silent_page_holds_no_sound(tmp_path: Path) -> None:
    assert run(["view", SAMPLE, REFERENCE, "-o", str(tmp_path / "x.html"), "--silent"]) == 0
    assert content(tmp_path / "x.html")["audio"] is None
    assert (tmp_path / "x.html").stat().st_size < 100_000


def test_a_long_recording_has_few_peaks_and_no_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    monkeypatch.setattr("fastdiar.page.view.LONGEST_SOUND", 20)
    monkeypatch.setattr("fastdiar.page.view.MOST_PEAKS", 100)
    assert run(["view", SAMPLE, REFERENCE, "-o", str(tmp_path / "x.html")]) == 0
    assert "dialogue.flac: too long for its sound to be in the page" in capfd.readouterr().err
    written = content(tmp_path / "x.html")
    assert written["audio"] is None and 50 < len(written["peaks"]) <= 100


def test_peaks_are_the_loudest_of_each_tick(tmp_path: Path) -> None:
    samples = np.zeros(16_000, np.float32)
    samples[[100, 5000, 15_990]] = [0.5, -0.25, 0.125]
    soundfile.write(tmp_path / "x.wav", samples, 16_000, subtype="FLOAT")
    heard = hear(tmp_path / "x.wav", sound=False)
    assert heard.peaks[[0, 6, 19]].tolist() == [0.5, 0.25, 0.125] and heard.peaks.sum() == 0.875
    assert len(heard.peaks) <= MOST_PEAKS


def test_reference_and_result_share_colours_as_pairs() -> None:
    reference = [Turn(0, 4, "a"), Turn(4, 6, "b"), Turn(9, 10, "c")]
    assert same_people(reference, [Turn(0, 5, "x"), Turn(5, 6, "y")]) == {"a": "x", "b": "y"}
    assert same_people(reference, []) == {}


def test_names_stay_text(tmp_path: Path) -> None:
    evil = '</script><script>document.title="hacked"</script><!--'
    written = tmp_path / "x.html"
    written.write_text(page(evil, hear(EXAMPLES / "dialogue.flac", sound=False), Diarization(evil, (Turn(0, 1, evil),))))
    assert content(written)["turns"][0]["speaker"] == evil
    assert written.read_text().count("</script>") == 2


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ([SAMPLE, REFERENCE, "-o", "x.rttm"], "x.rttm: expected a name that ends in .html"),
        (["gone.wav", REFERENCE, "-o", "x.html"], "gone.wav: no such file"),
        ([SAMPLE, "two.rttm", "-o", "x.html"], "two.rttm: holds 2 recordings, and 'dialogue' is none of them"),
    ],
)
def test_a_mistake_is_one_line(
    call: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("two.rttm").write_text("".join(f"SPEAKER {uri} 1 0 1 <NA> <NA> a <NA> <NA>\n" for uri in "xy"))
    assert run(["view", *call]) == 2
    assert capfd.readouterr().err == f"fastdiar: error: {reason}\n"
    assert not Path("x.html").exists()


def test_the_commands_of_the_page_about_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("meeting.wav", np.zeros(16_000), 16_000)
    Path("meeting.rttm").write_text("SPEAKER meeting 1 0 1 <NA> <NA> a <NA> <NA>\n")
    Path("reference.rttm").write_text("SPEAKER meeting 1 0 0.9 <NA> <NA> b <NA> <NA>\n")
    text = (EXAMPLES.parent / "docs" / "page.md").read_text(encoding="utf-8")
    calls = [shlex.split(line, comments=True) for line in re.findall(r"^fastdiar view .*$", text, re.MULTILINE)]
    assert len(calls) == 3
    for call in calls:
        assert run(call[1:]) == 0, capsys.readouterr().err


def test_in_a_browser(chromium: Any, accessible: Callable[[Any], None], tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    evil = '<img src="x" onerror="document.title=1">'
    lines = Path(REFERENCE).read_text()
    (tmp_path / "evil.csv").write_text(f'start,end,speaker\n0.5,4.676,"{evil.replace(chr(34), chr(34) * 2)}"\n5,10,ann\n')
    (tmp_path / "true.rttm").write_text(lines)
    turns, reference, out = (str(tmp_path / name) for name in ("evil.csv", "true.rttm", "x.html"))
    assert run(["view", SAMPLE, turns, "--reference", reference, "-o", out]) == 0
    said: list[str] = []
    tab = chromium.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto((tmp_path / "x.html").as_uri())
    tab.wait_for_selector("[part=turn] >> nth=14")
    assert tab.locator("[part=turn]").count() == 15
    assert tab.locator(".names .name").all_inner_texts() == ["slt", "awb", "rms", "kal16", evil, "ann"]
    assert tab.title() == "dialogue.flac"
    tab.click("#play")
    playwright.expect(tab.locator("#time")).to_have_text(re.compile(r"^0:0\d\.[2-9]"))
    accessible(tab)
    assert said == []
    tab.close()
