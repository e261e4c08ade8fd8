"""`fastdiar simulate`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.__main__ import run
from fastdiar.core.formats import read_rttm, read_uem

RATE = 16_000


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe of two short meetings of two voices."""
    lines = ["path\tcorpus\tspeaker\tsession\tseconds"]
    for number, speaker in enumerate(("ann", "bob")):
        noise = 0.1 * np.random.default_rng(number).standard_normal(15 * RATE)
        said = np.arange(len(noise)) // RATE % 3 > 0
        soundfile.write(tmp_path / f"{speaker}.flac", noise * (said + 0.01), RATE)
        lines.append(f"{speaker}.flac\tone\t{speaker}\tday\t15.0")
    (tmp_path / "table.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "rhythms").mkdir()
    turns = [(0, 3, "a"), (3.5, 2, "b"), (5, 3, "a"), (8.5, 2, "b")]
    rttm = (f"SPEAKER m 1 {start} {seconds} <NA> <NA> {who} <NA> <NA>\n" for start, seconds, who in turns)
    (tmp_path / "rhythms" / "m.rttm").write_text("".join(rttm))
    path = tmp_path / "talks.toml"
    path.write_text(
        '[data.dev]\nuse = "conversation"\ntable = "table.tsv"\nrhythms = "rhythms"\n'
        "[data.dev.kinds.talk]\nmeetings = 2\npeople = [2, 2]\nseconds = [24, 26]\n"
    )
    return path


def test_writes_sound_turns_and_what_to_score(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = recipe.parent / "out"
    assert run(["simulate", str(recipe), "-o", str(out)]) == 0
    assert "2 meetings of 2 to 2 people" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [f"talk_{i}.{end}" for i in (0, 1) for end in ("flac", "rttm", "uem")]
    seconds = soundfile.info(out / "talk_0.flac").duration
    assert read_uem(out / "talk_0.uem") == {"talk_0": [(0.0, pytest.approx(seconds, abs=1e-3))]}
    turns = read_rttm(out / "talk_0.rttm")["talk_0"]
    assert {turn.speaker for turn in turns} == {"ann", "bob"} and max(turn.end for turn in turns) <= seconds


def test_the_number_of_processes_changes_nothing(recipe: Path) -> None:
    one, two = recipe.parent / "one", recipe.parent / "two"
    assert (
        run(["simulate", str(recipe), "-o", str(one), "-n", "1"])
        == run(["simulate", str(recipe), "-o", str(two), "--jobs", "2"])
        == 0
    )
    assert [path.name for path in sorted(one.iterdir())] == ["talk_0.flac", "talk_0.rttm", "talk_0.uem"]
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()


def test_only_conversations_can_be_simulated(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", str(recipe), "-o", str(recipe.parent / "out"), "--split", "train"]) == 2
    err = capsys.readouterr().err
    assert "--split train: " in err and "expected one of dev" in err
    assert not (recipe.parent / "out").exists()
