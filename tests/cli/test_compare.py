"""`fastdiar compare`: runs side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastdiar.__main__ import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of two epochs that differ in their encoder's width; the best is the first's second, the other's first."""
    monkeypatch.chdir(tmp_path)
    for name, width, best in (("narrow", 8, 2), ("wide[a]", 16, 1)):
        Path(name).mkdir()
        Path(name, "recipe.toml").write_text(f'[encoder]\nuse = "cnn"\nchannels = [{width}]\n[trainer]\nepochs = 2\n')
        lines = [
            {"epoch": epoch, "loss": 3 / epoch, "dev.speaker.accuracy": epoch / 4, "best": epoch <= best, "seconds": 1800}
            for epoch in (1, 2)
        ]
        Path(name, "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_best_figures_and_what_differs(capsys: Capture) -> None:
    assert run(["compare", "narrow", "wide[a]"]) == 0
    rows = {tuple(line.split()) for line in capsys.readouterr().out.splitlines()}
    expected = {
        ("narrow", "wide[a]"),
        ("epochs", "2", "2"),
        ("hours", "1", "1"),
        ("best", "epoch", "2", "1"),
        ("loss", "1.5", "3"),
        ("dev.speaker.accuracy", "0.5", "0.25"),
        ("encoder.channels", "[8]", "[16]"),
    }
    assert expected <= rows
    assert not any(row[:1] == ("trainer.epochs",) for row in rows)


def test_for_programs(capsys: Capture) -> None:
    assert run(["compare", "narrow", "wide[a]", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == ["narrow", "wide[a]"]
    assert found["figures"]["dev.speaker.accuracy"] == [0.5, 0.25]
    assert found["recipe"] == {"encoder.channels": [[8], [16]]}


def test_the_same_recipe_twice(capsys: Capture) -> None:
    assert run(["compare", "narrow", "narrow"]) == 0
    assert "their recipes are the same" in capsys.readouterr().out


def test_a_folder_that_is_no_run(capsys: Capture) -> None:
    Path("empty").mkdir()
    assert run(["compare", "narrow", "empty"]) == 2
    assert capsys.readouterr().err == "fastdiar: error: empty: holds no run: no recipe.toml in it\n"


def test_a_run_before_its_first_epoch(capsys: Capture) -> None:
    Path("narrow", "log.jsonl").unlink()
    assert run(["compare", "narrow", "wide[a]"]) == 0
    assert ("loss", "-", "3") in {tuple(line.split()) for line in capsys.readouterr().out.splitlines()}
