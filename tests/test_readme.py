"""What the README shows works as shown, and the sample recording is what its reference says."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.__main__ import run
from fastdiar.core.formats import read_rttm
from fastdiar.recipe import read_data, read_recipe

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NEED_SPEECH = ("train", "evaluate", "export")
"""Commands that need a corpus, or a run made from one."""
GO_ON = ("serve",)
"""Commands that do not end by themselves; tests/serving runs them."""
SECONDS = 12
"""How much of the sample the tests hear."""


def blocks(language: str) -> list[str]:
    """The README's fenced blocks."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The README's calls of fastdiar on files that are in the checkout, or would be."""
    lines = "".join(blocks("sh")).splitlines()
    calls = [shlex.split(line, comments=True) for line in lines if line.startswith("fastdiar ")]
    return [call for call in calls if not any(word.strip("/").isupper() for word in call)]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with recipes and a shorter sample, to work in."""
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    samples, rate = soundfile.read(ROOT / "examples" / "dialogue.flac", stop=SECONDS * 16_000, dtype="int16")
    soundfile.write(tmp_path / "examples" / "dialogue.flac", samples, rate)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("code", blocks("python"))
def test_python(code: str, checkout: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pyannote.core")
    names: dict[str, object] = {}
    exec(code, names)
    assert names["found"].speakers  # type: ignore[attr-defined]


def test_commands(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for needed in ("onnxruntime", "pyannote.metrics", "torch"):
        pytest.importorskip(needed)
    calls = [call for call in commands() if call[1] not in NEED_SPEECH + GO_ON]
    assert len(calls) > 5
    for call in calls:
        words = [found for word in call[1:] for found in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
        assert run(words) == 0, f"{call}: {capsys.readouterr().err}"
    assert {path.name for path in checkout.glob("dialogue.*")} == {"dialogue.rttm", "dialogue.json", "dialogue.html"}
    assert (checkout / "turns" / "dialogue.rttm").is_file()


def test_the_recipe_for_voices_of_your_own(checkout: Path) -> None:
    pytest.importorskip("torch")
    (recipe,) = blocks("toml")
    (checkout / "mine.toml").write_text(recipe, encoding="utf-8")
    for voice in ("ann", "bob"):
        (checkout / "voices" / voice).mkdir(parents=True)
        for number in range(4):
            (checkout / "voices" / voice / f"{number}.wav").touch()
    heard = {name: len(read_data(read_recipe("mine.toml"), name)[1]) for name in ("train", "dev")}
    assert heard == {"train": 4, "dev": 2}


def test_the_two_commands_are_in_the_makefile() -> None:
    asked = re.findall(r"^make (\w+)", "".join(blocks("sh")), re.MULTILINE)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert asked == ["demo", "test"]
    assert set(asked) <= set(targets)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_sample_is_silent_where_nobody_speaks() -> None:
    samples, rate = soundfile.read(ROOT / "examples" / "dialogue.flac")
    (turns,) = read_rttm(ROOT / "examples" / "dialogue.rttm").values()
    spoken = np.zeros(len(samples), dtype=bool)
    for turn in turns:
        spoken[round(turn.start * rate) : round(turn.end * rate)] = True
    assert rate == 16_000
    assert 3 <= len({turn.speaker for turn in turns}) <= 4
    assert sum(turn.duration for turn in turns) > spoken.sum() / rate  # some speak at once
    level = {speech: float(np.sqrt(np.mean(samples[spoken == speech] ** 2))) for speech in (True, False)}
    assert level[False] < level[True] / 50
