"""What `docs/scale.md` shows works as shown, and its arithmetic is right."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.main import get_command

pytest.importorskip("onnxruntime", reason="running a model needs onnxruntime: pip install '.[cpu]'")

from fastdiar.__main__ import run
from fastdiar.cli import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
HOURS = 100_000


def calls() -> list[list[str]]:
    """The page's calls of fastdiar."""
    lines = "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)).splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("fastdiar ")]


def test_the_commands_have_these_options() -> None:
    assert len(calls()) == 4
    for name, *arguments in calls():
        get_command(app).commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


def test_the_first_command_and_the_one_for_what_failed(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recordings" / "2024").mkdir(parents=True)
    shutil.copy(archive / "monday" / "0.flac", "recordings/2024/a.flac")
    shutil.copy(archive / "monday" / "notes.txt", "recordings/2024/b.wav")
    first, _, again, _ = calls()
    assert run(first) == 2
    assert Path("turns/2024/a.rttm").is_file()
    shutil.copy(archive / "monday" / "1.flac", "recordings/2024/b.wav")
    assert run(again) == 0
    assert [path.name for path in Path("others").rglob("*.rttm")] == ["b.rttm"]


def test_the_arithmetic() -> None:
    (second,) = re.findall(r"\| hearing \| ([\d.]+) s of a core", PAGE)
    cores = HOURS * float(second)
    assert f"100,000 hours × {second} = {cores:,.0f} core hours" in PAGE
    rows = re.findall(r"^\| ([\d,]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 4
    for count, hours in rows:
        assert float(hours) == pytest.approx(cores / int(count.replace(",", "")), rel=0.03)
    for price, cost in re.findall(r"\*p\* = ([\d.]+) \([^)]*\)(?: makes)? (\d+)", PAGE):
        assert int(cost) == pytest.approx(cores * float(price), rel=0.03)
