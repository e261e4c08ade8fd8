"""The command line itself: exit codes, one-line errors, and what it never imports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from fastdiar.__main__ import run
from fastdiar.cli import GROUPS, app

Capture = pytest.CaptureFixture[str]

COMMANDS = sorted(command.name or command.callback.__name__ for command in app.registered_commands if command.callback)
NESTED = [["recipe"], ["recipe", "check"], ["recipe", "show"], ["data"], ["data", "check"], ["data", "stats"], ["data", "listen"]]
RECIPE = """
[encoder]
use = "cnn"

[pooling]
use = "average"

[head.speaker]
use = "speaker"
"""


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), *NESTED])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    heavy = {"torch", "torchaudio", "onnxruntime", "onnx", "numpy", "scipy", "soundfile", "cattrs", "pandas"}
    heavy |= {"fastapi", "granian"}
    code = (
        "import sys\nfrom fastdiar.__main__ import run\n"
        f"code = run({[*command, '--help']!r})\nprint('imported:', *sorted(sys.modules.keys() & {heavy!r}))\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage: fastdiar" in done.stdout
    assert done.stdout.endswith("imported:\n")


def test_the_help_lists_every_command_in_a_group_with_a_whole_line(capsys: Capture) -> None:
    assert run(["--help"]) == 0
    groups = re.split(r"^(\w+):\n", capsys.readouterr().out.partition("exit.\n\n")[2], flags=re.MULTILINE)
    lines = [line for group in groups[2::2] for line in group.strip().splitlines()]
    assert groups[1::2] == list(GROUPS)
    assert sorted(line.split()[0] for line in lines) == sorted({*COMMANDS, "data", "recipe"})
    assert [line for line in lines if line.endswith("...") or len(line) > 80] == []


def test_listing_plugins_imports_no_torch() -> None:
    code = "import sys\nfrom fastdiar.__main__ import run\nrun(['plugins'])\nassert 'torch' not in sys.modules"
    environment = {**os.environ, "FASTDIAR_PLUGINS": "none"}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "librispeech" in done.stdout


def test_no_command_shows_the_help(capsys: Capture) -> None:
    assert run([]) == 0
    assert "Usage: fastdiar" in capsys.readouterr().out


def test_version(capsys: Capture) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"fastdiar {version('fastdiar')}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recip"], "No such command 'recip'. Did you mean 'recipe'?"),
        (["recipe"], "Missing command."),
        (["recipe", "check"], "Missing argument 'RECIPE'. (see fastdiar recipe check --help)"),
        (["recipe", "check", "--sett", "a=1"], "No such option: --sett"),
        (["recipe", "check", "no-such.toml"], "no-such.toml: no such file"),
        (["plugins", "encodr"], "no kind 'encodr' (did you mean 'encoder'?)"),
        (["plugins", "dataset", "librispeach"], "no dataset 'librispeach' (did you mean 'librispeech'?)"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: list[str], message: str, capsys: Capture) -> None:
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"fastdiar: error: {message}")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_what_a_recipe_says_cannot_steer_the_terminal(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "red.toml"
    path.write_text('extends = "\\u001b[31mred\\u0007"', encoding="utf-8")
    assert run(["recipe", "check", str(path)]) == 2
    assert r"extends: " in (said := capsys.readouterr().err)
    assert "\x1b" not in said
    assert "\x07" not in said


def test_control_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fastdiar.recipe.read_recipe", interrupted)
    assert run(["recipe", "check", "any.toml"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_goes_away_is_no_error() -> None:
    listing = subprocess.Popen(
        [sys.executable, "-m", "fastdiar", "plugins", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert listing.stdout is not None and listing.stderr is not None
    listing.stdout.close()
    assert listing.stderr.read() == ""
    assert listing.wait() in (1, 128 + signal.SIGPIPE)
    listing.stderr.close()


def test_plugins_lists_kinds_origins_and_what_is_broken(acme: Callable[..., Path], capsys: Capture) -> None:
    acme("good", "crashing", "wrong")
    assert run(["plugins"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^  acme/tones +pure tones, one a speaker  \(acme-diar 1.2\)$", text, re.MULTILINE)
    assert "  crashing (acme-crashing 0.1): RuntimeError: the licence server does not answer\n" in text
    assert "  dataset wrong/half (acme-wrong 0.1): acme_wrong:Half is not a whole dataset" in text
    assert "  wrong/half  " not in text


def test_plugins_as_json(acme: Callable[..., Path], capsys: Capture) -> None:
    acme("good", "misspelt")
    assert run(["plugins", "dataset", "--json"]) == 0
    listing = json.loads(capsys.readouterr().out)
    assert {each["kind"] for each in listing["components"]} == {"dataset"}
    assert listing["components"][-1] == {
        "kind": "dataset",
        "name": "acme/tones",
        "summary": "pure tones, one a speaker",
        "origin": "acme-diar 1.2",
    }
    assert [each["name"] for each in listing["broken"]] == ["misspelt"]


def test_plugins_explains_a_component_and_gives_a_snippet_that_is_toml(acme: Callable[..., Path], capsys: Capture) -> None:
    acme("good")
    assert run(["plugins", "dataset", "acme/tones"]) == 0
    head, snippet = capsys.readouterr().out.split("\n\n[")
    assert "root: a path, required. folder that names them" in head
    assert "pitches: a list, each a number, default [220.0, 440.0]. one a speaker (Hz)" in head
    assert "extra: a path, no default. another folder" in head
    assert tomllib.loads(f"[{snippet}") == {"data": {"train": {"use": "acme/tones", "root": "...", "pitches": [220.0, 440.0]}}}


def test_a_component_of_components_is_explained_too(capsys: Capture) -> None:
    pytest.importorskip("torch")
    assert run(["plugins", "augmentation", "one_of"]) == 0
    head, _, snippet = capsys.readouterr().out.partition("\n\n[")
    assert "choices: named tables of components, required. " in head
    change = tomllib.loads(f"[{snippet}")["augment"]["one_of"]
    assert change == {"use": "one_of", "probability": 1.0, "choices": {"NAME": {"use": "..."}}}


def test_recipe_check_and_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(RECIPE, encoding="utf-8")
    assert run(["recipe", "check", "tiny.toml", "--set", "trainer.seed=3"]) == 0
    assert capsys.readouterr().out == "tiny.toml: good\n"
    assert run(["recipe", "show", "tiny.toml", "--set", "trainer.seed=3"]) == 0
    text = capsys.readouterr().out
    assert 'use = "cnn"  # tiny.toml:3\n' in text
    assert "seed = 3  # --set\n" in text
    assert tomllib.loads(text)["trainer"]["epochs"] == 30


def test_recipe_show_counts_the_cost_and_stays_a_recipe(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE, encoding="utf-8")
    assert run(["recipe", "show", str(path)]) == 0
    plain = tomllib.loads(capsys.readouterr().out)
    assert run(["recipe", "show", str(path), "--cost", "--classes", "10"]) == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text) == plain
    assert re.search(r"^# \d+\.\d+ million parameters", text, re.MULTILINE)
    assert re.search(r"^# \d+\.\d+ GMAC", text, re.MULTILINE)
    assert re.search(r"^# .* MB as fp16", text, re.MULTILINE)
