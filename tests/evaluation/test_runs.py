"""Runs read without torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastdiar.core.errors import TrainingError
from fastdiar.core.recipe_files import differences
from fastdiar.evaluation.runs import is_run, read_run


def write(folder: Path, recipe: str, *lines: dict[str, object]) -> Path:
    folder.mkdir()
    (folder / "recipe.toml").write_text(recipe)
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_run_by_its_log(tmp_path: Path) -> None:
    lines = [{"epoch": number, "best": number != 3, "seconds": 1800.0} for number in (1, 2, 3)]
    run = read_run(write(tmp_path / "one", '[encoder]\nuse = "cnn"\n', *lines))
    assert (run.name, run.hours, run.best["epoch"], len(run.epochs)) == ("one", 1.5, 2, 3)
    assert run.recipe == {"encoder": {"use": "cnn"}}


def test_a_trained_run(trained: Path) -> None:
    run = read_run(trained)
    assert is_run(trained) and run.epochs[0]["epoch"] == 1 and run.hours > 0
    assert run.recipe["head"]["speaker"]["use"] == "speaker"
    assert run.device == "cpu"


def test_keys_that_differ(tmp_path: Path) -> None:
    one = read_run(write(tmp_path / "one", '[encoder]\nuse = "cnn"\n[trainer]\nepochs = 3\nseed = 0\n'))
    other = read_run(write(tmp_path / "other", '[encoder]\nuse = "cnn"\nwidth = 2\n[trainer]\nepochs = 4\nseed = 0\n'))
    assert differences([one.recipe, other.recipe]) == {"encoder.width": [None, 2], "trainer.epochs": [3, 4]}
    assert differences([one.recipe, one.recipe]) == {}


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds no run: no recipe\.toml in it"):
        read_run(tmp_path)


@pytest.mark.parametrize("line", ["[1]", "{", '{"loss": 1}', '{"epoch": "2"}', '{"epoch": 2, "seconds": "long"}'])
def test_a_log_that_is_none(line: str, tmp_path: Path) -> None:
    (write(tmp_path / "odd", "") / "log.jsonl").write_text(f'{{"epoch": 1}}\n{line}\n')
    with pytest.raises(TrainingError, match=r"log\.jsonl:2: expected an epoch's figures as JSON"):
        read_run(tmp_path / "odd")
