"""docs/server.md says what the server does."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("granian")

from fastdiar.__main__ import run
from fastdiar.core.errors import FastdiarError
from fastdiar.core.formats import FORMATS
from fastdiar.serving.app import create
from fastdiar.serving.settings import ServeSettings, limited, limits

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")


def test_every_endpoint() -> None:
    described = {
        f"{method.upper()} {path}" for path, methods in create(ServeSettings()).openapi()["paths"].items() for method in methods
    }
    assert set(re.findall(r"^\| `((?:GET|POST|DELETE) \S+)` \|", PAGE, re.MULTILINE)) == described


def test_every_format_and_limit() -> None:
    assert dict(re.findall(r"^\| (\w+) \| `(\S+/\S+)` \|$", PAGE, re.MULTILINE)) == {
        name: each.media_type for name, each in FORMATS.items()
    }
    rows = [f"| `{each.name}` | {each.default:,} | {each.metadata['help']} |" for each in limits()]
    assert re.findall(r"^\| `\w+` \| [\d,]+ \| .*\|$", PAGE, re.MULTILINE) == rows


@pytest.mark.parametrize("command", re.findall(r"^curl .*$", PAGE, re.MULTILINE))
def test_what_is_asked(command: str, server: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl, which is not here")
    call = shlex.split(command.replace("http://127.0.0.1:8000", server))
    done = subprocess.run([*call, "--fail", "--silent", "--max-time", "60"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout, done.stderr


def test_limits_are_changed() -> None:
    settings = limited(ServeSettings(model="quickstart"), ["most_jobs=7", "longest_minutes=0.5"])
    assert (settings.model, settings.most_jobs, settings.longest_minutes) == ("quickstart", 7, 0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("most_job=1", r"--set most_job=1: no limit 'most_job' \(did you mean 'most_jobs'\?\)"),
        ("host=0.0.0.0", "no limit 'host'"),
        ("most_jobs=many", "--set most_jobs=many: expected a number: 'many'"),
        ("most_jobs=0", "--set most_jobs: .*1"),
        ("most_jobs=1.5", "--set most_jobs: "),
    ],
)
def test_limits_that_are_none(change: str, words: str) -> None:
    with pytest.raises(FastdiarError, match=words):
        limited(ServeSettings(), [change])


def test_a_limit_that_is_none_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--set", "most_jobs"]) == 2
    assert "expected a number: ''" in capsys.readouterr().err
