"""`fastdiar data check`, `stats` and `listen`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")

from fastdiar.__main__ import run

Capture = pytest.CaptureFixture[str]


def test_check_shows_every_measure_and_fails_where_too_much_is_beyond(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "voices" / "ann").mkdir(parents=True)
    for number in range(3):
        hiss = 0.1 * np.random.default_rng(number).standard_normal(8_000)
        soundfile.write(tmp_path / "voices" / "ann" / f"{number}.wav", hiss, 8_000)
    (tmp_path / "voices" / "ann" / "text.wav").write_text("dear diary")
    recipe = tmp_path / "data.toml"
    recipe.write_text('[data.train]\nuse = "folder"\nroot = "voices"')
    assert run(["data", "check", str(recipe)]) == 1
    said = capsys.readouterr()
    for measure in ("level (dB)", "clipping (%)", "silence (%)", "offset (%)", "band (Hz)", "SNR (dB)", "rate (Hz)", "labels"):
        assert measure in said.out
    assert "4,500 …" in said.out
    assert "\nrate: ann/" in said.out
    assert "text.wav: not a recording that can be read" in said.err
    assert "fastdiar: warning: 1 of 4 clips cannot be read\n" in said.err
    assert "fastdiar: warning: beyond the limit in more than 5% of the clips: band, SNR, rate\n" in said.err


def test_check_as_json(small_recipe: Path, capsys: Capture) -> None:
    code = run(["data", "check", str(small_recipe), "-n", "5", "--json"])
    figures = json.loads(capsys.readouterr().out)
    assert figures["clips"] == 5 and figures["unreadable"] == []
    assert figures["measures"]["rate"] == {"quantiles": [16000, 16000, 16000], "beyond": []}
    assert code == (1 if figures["failed"] else 0)


def test_check_is_content_with_good_data(shared: Path, tmp_path: Path, capsys: Capture) -> None:
    recipe = tmp_path / "data.toml"
    recipe.write_text(f'[data.test]\nuse = "librispeech"\nroot = "{shared}/data/LibriSpeech"')
    assert run(["data", "check", str(recipe), "-n", "20", "--split", "test"]) == 0
    assert capsys.readouterr().err == ""


def test_stats(small_recipe: Path, capsys: Capture) -> None:
    assert run(["data", "stats", str(small_recipe), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert list(figures) == ["train", "dev", "test"]
    assert sum(part["utterances"] for part in figures.values()) == 32
    assert {part["speakers"] for part in figures.values()} == {4}
    assert run(["data", "stats", str(small_recipe)]) == 0
    table = capsys.readouterr().out
    assert all(word in table for word in ("train", "dev", "test", "speakers", "hours", "50 % (s)", "overlap (%)"))


def test_stats_warns_of_what_is_in_two_parts(small_recipe: Path, tmp_path: Path, capsys: Capture) -> None:
    recipe = tmp_path / "both.toml"
    recipe.write_text(small_recipe.read_text().replace('split = "test"', 'split = "all"'))
    assert run(["data", "stats", str(small_recipe)]) == 0
    assert "warning" not in capsys.readouterr().err
    assert run(["data", "stats", str(recipe)]) == 0
    told = capsys.readouterr().err
    assert "of 32 utterances of [data.test] are in [data.train], too, such as voice0/" in told and "[data.dev], too" in told


def test_listen(small_recipe: Path, tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    assert run(["data", "listen", str(small_recipe), "-n", "2", "-o", str(tmp_path / "heard")]) == 0
    names = capsys.readouterr().out.splitlines()
    assert [Path(name).exists() for name in names] == [True, True]
    assert all(soundfile.info(name).frames > 0 and Path(name).with_suffix(".png").exists() for name in names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "{recipe}", "--split", "tset"], "'tset' is not one of 'train', 'dev', 'test'"),
        (["check", "{recipe}", "-n", "0"], "Invalid value for '-n': "),
        (["check", "no-such.toml"], "no-such.toml: no such file"),
        (["check", "{recipe}", "--set", "data.train.root=nowhere"], "data.train: {here}/nowhere: no such folder"),
        (["stats", "{recipe}", "--set", "data.dev.rot=x"], "data.dev.rot: unknown key (did you mean 'root'?)"),
        (["stats", "empty.toml"], "empty.toml: data: is missing: the recipe has no [data.train], [data.dev] or [data.test]"),
        (["listen", "{recipe}"], "Missing option '--output' / '-o'."),
        (["listen", "data.toml", "-o", "x", "--split", "dev"], "data.toml: data.dev: is missing: the recipe has [data.train]"),
        (["listen", "{recipe}", "-o", "data.toml"], "data.toml: is a file: expected a folder to write to"),
    ],
)
def test_a_mistake_is_said_in_a_line(
    arguments: list[str], message: str, small_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.toml").write_text("")
    Path("data.toml").write_text('[data.train]\nuse = "folder"\nroot = "voices"')
    assert run(["data", *(word.format(recipe=small_recipe) for word in arguments)]) == 2
    said = capsys.readouterr()
    assert message.format(here=tmp_path) in said.err
    assert said.err.count("\n") == 1 and said.out == ""
