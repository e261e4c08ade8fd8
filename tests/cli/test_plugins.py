"""`fastdiar plugins KIND NAME` tells all of a component, and shells complete names."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from fastdiar import registry
from fastdiar.__main__ import run
from fastdiar.recipe import read_part

Capture = pytest.CaptureFixture[str]


def test_a_component_tells_its_file_paper_and_units(capsys: Capture) -> None:
    pytest.importorskip("torch")
    assert run(["plugins", "loss", "aam"]) == 0
    text = capsys.readouterr().out
    assert "file: " in text and "/plugins/losses/aam.py" in text.replace(os.sep, "/")
    assert "\npaper: Deng et al., ArcFace, CVPR 2019\n" in text
    assert "  margin: a number, default 0.2 radians. added to the angle" in text


def test_the_same_as_json(capsys: Capture) -> None:
    pytest.importorskip("torch")
    assert run(["plugins", "augmentation", "gain", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["description"].startswith("Multiplies a clip")
    assert {key["key"]: key["unit"] for key in told["keys"]} == {"probability": None, "gain": "dB"}


@pytest.mark.parametrize("kind", registry.KINDS)
def test_what_is_printed_can_be_pasted_into_a_recipe(kind: str, capsys: Capture) -> None:
    pytest.importorskip("torch")
    for name in registry.names(kind):
        assert run(["plugins", kind, name, "--json"]) == 0
        keys = json.loads(capsys.readouterr().out)["keys"]
        assert run(["plugins", kind, name]) == 0
        table = tomllib.loads("[" + capsys.readouterr().out.partition("\n\n[")[2])
        while "use" not in table:
            (table,) = table.values()
        assert table["use"] == name
        if not any(key["required"] for key in keys):
            assert read_part(kind, table).config == registry.lookup(kind, name).config_class()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "found"),
    [("fastdiar dia", "diarize"), ("fastdiar plugins enc", "encoder"), ("fastdiar plugins encoder mel", "melrescnn")],
)
def test_bash_completes(words: str, found: str) -> None:
    asked = {"_FASTDIAR_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "fastdiar"], check=False, capture_output=True, text=True, env={**os.environ, **asked}
    )
    assert done.stdout.split() == [found], done.stderr


def test_what_is_broken_is_listed_with_its_reason_and_the_rest_works(
    acme: Callable[..., Path], capsys: Capture, golden: Callable[[str, str], None]
) -> None:
    acme("good", "clashing", "crashing", "lost", "misspelt", "newer", "wrong")
    assert run(["plugins"]) == 0
    listed, _, broken = capsys.readouterr().out.partition("\nbroken\n")
    assert "  acme/tones " in listed and "  wrong/alone " in listed and "  rttm " in listed
    golden("plugins/listed.txt", broken)


def test_what_is_wrong_with_a_component_is_told_in_a_line_when_it_is_tried(
    acme: Callable[..., Path], capsys: Capture, golden: Callable[[str, str], None]
) -> None:
    pytest.importorskip("torch")
    acme("good", "lost", "wrong")
    wrong = ("clustering wrong/short", "pooling wrong/long", "clustering wrong/loose", "dataset wrong/nowhere", "dataset lost/x")
    for words in wrong:
        assert run(["plugins", *words.split(), "--check"]) == 2
    said = capsys.readouterr()
    golden("plugins/checked.txt", said.err)
    assert said.out == "" and len(said.err.splitlines()) == len(wrong)


def test_a_component_is_tried_with_the_config_that_is_told(acme: Callable[..., Path], tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("torch")
    acme("good")
    assert run(["plugins", "dataset", "acme/tones", "--check", "--set", f"root={tmp_path}"]) == 0
    assert capsys.readouterr().out.startswith("dataset acme/tones: keeps all that its kind promises: explains_itself, config_")
    for words, message in (
        (
            ["dataset", "acme/tones"],
            "config: dataset.root: missing: expected a path\n"
            "fastdiar: error: dataset acme/tones: tell it what it needs with --set, such as --set root=voices",
        ),
        (["dataset", "acme/tones", "--set", "root"], "--set root: expected KEY=VALUE, such as root=voices"),
        (["dataset"], "--check: expected a KIND and a NAME before it, such as encoder rescnn"),
    ):
        assert run(["plugins", *words, "--check"]) == 2
        assert capsys.readouterr().err == f"fastdiar: error: {message}\n"


def test_what_breaks_many_promises_is_told_once(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr("fastdiar.plugins.pooling.average.shares", lambda weights: weights.nothing)
    assert run(["plugins", "pooling", "average", "--check"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"pooling average: says_what_it_gives and \d+ more: AttributeError: .* \(average\.py, line \d+\)$", line)


def test_recipe_diff(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("torch")
    (tmp_path / "a.toml").write_text('[encoder]\nuse = "cnn"\n[head.speaker]\nuse = "speaker"\n[trainer]\nepochs = 3\n')
    (tmp_path / "b.toml").write_text(
        'extends = "a.toml"\ndrop = ["trainer"]\n[head.speaker]\ndropout = 0\n[pooling]\nuse = "average"\n'
    )
    assert run(["recipe", "diff", str(tmp_path / "a.toml"), str(tmp_path / "b.toml")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "- head.speaker.dropout = 0.3",
        "+ head.speaker.dropout = 0.0",
        "- trainer.epochs = 3",
        "+ trainer.epochs = 30",
        '+ pooling.use = "average"',
    ]
    assert run(["recipe", "diff", str(tmp_path / "a.toml"), str(tmp_path / "a.toml")]) == 0
    assert capsys.readouterr().out == ""


def test_a_new_package_needs_a_name_that_can_be_one(tmp_path: Path, capsys: Capture, acme: Callable[..., Path]) -> None:
    acme("good")
    for name, words in (
        ("Big-Name", "'Big-Name' cannot be a package's name (such as big_name): expected lower-case letters"),
        ("class", "'class' cannot be a package's name: expected"),
        ("wavy_", "'wavy_' cannot be a package's name (such as wavy): expected"),
        ("none", "the name 'none' is taken: it means no plugin in FASTDIAR_PLUGINS: choose another"),
        ("fastdiar", "the name 'fastdiar' is taken: it means the built-in components: choose another"),
        ("../up", "'../up' cannot be a package's name (such as up)"),
        ("acme", "the name 'acme' is taken: a plugin called so is installed"),
    ):
        assert run(["new", "encoder", name, "--into", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"fastdiar: error: {words}") and said.count("\n") == 1
    assert run(["new", "encodr", "x", "--into", str(tmp_path)]) == 2
    assert "no template for the kind 'encodr' (did you mean 'encoder'?)" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_new_package_takes_nothings_place(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("jinja2")
    (tmp_path / "fastdiar-wavy").mkdir()
    assert run(["new", "encoder", "wavy", "--into", str(tmp_path)]) == 0
    (tmp_path / "fastdiar-wavy" / "README.md").write_text("mine")
    capsys.readouterr()
    assert run(["new", "pooling", "wavy", "--into", str(tmp_path)]) == 2
    assert "fastdiar-wavy: is there already: choose another folder with --into" in capsys.readouterr().err
    assert (tmp_path / "fastdiar-wavy" / "README.md").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["fastdiar-wavy"]


def test_a_new_package_without_the_library_that_writes_it(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert run(["new", "encoder", "wavy", "--into", str(tmp_path)]) == 2
    assert "fastdiar new needs a part that is not installed: pip install '.[new]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
