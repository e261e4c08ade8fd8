"""What the documentation shows works as shown."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import soundfile
import typer

from fastdiar import registry
from fastdiar.__main__ import run
from fastdiar.cli import app
from fastdiar.core.tables import Trainer
from fastdiar.inspection.quality import LIMITS
from fastdiar.recipe import read_data, read_recipe

ROOT = Path(__file__).resolve().parents[1]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in `docs/`."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def talk(folder: Path) -> None:
    """Put the first eight seconds of the dialogue into a folder, under its name."""
    folder.mkdir()
    samples, rate = soundfile.read(ROOT / "examples" / "dialogue.flac", stop=8 * 16_000, dtype="int16")
    soundfile.write(folder / "dialogue.flac", samples, rate)


def test_the_recipes_and_commands_of_the_recipe_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    path = tmp_path / "mine" / "my.toml"
    path.parent.mkdir()
    recipes = []
    for text in blocks("recipes.md", "toml"):
        path.write_text(text, encoding="utf-8")
        recipes.append(read_recipe(path))
    path.write_text(blocks("recipes.md", "toml")[0], encoding="utf-8")
    monkeypatch.chdir(path.parent)
    (commands,) = blocks("recipes.md", "sh")
    for line in commands.splitlines():
        assert run(shlex.split(line, comments=True)[1:]) == 0
    assert "GMAC for a clip" in capsys.readouterr().out
    assert list(recipes[0].temporal) == ["attend", "again"]
    assert recipes[0].data["train"].config.root == path.parent / "my-speech"
    assert list(recipes[1].augment) == ["room", "change"]
    assert list(recipes[1].augment["change"].config.choices) == ["babble", "line"]


@pytest.mark.parametrize("kind", ["augmentation", "clustering"])
def test_the_recipe_page_tells_of_every_component(kind: str) -> None:
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    section = re.split(rf"^## {kind}s?$", page, flags=re.MULTILINE | re.IGNORECASE)[1].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|.*\|.*\|$", section, re.MULTILINE) == [
        each.name for each in registry.listed() if each.component.kind == kind and "/" not in each.name
    ]


def test_the_data_page_tells_every_limit() -> None:
    rows = []
    for name, limit in LIMITS.items():
        bounds = ["" if abs(bound) == float("inf") else f"{bound:,g}" for bound in (limit.lowest, limit.highest)]
        fine = " ".join(f"{bounds[0]} … {bounds[1]} {limit.unit}".split())
        rows.append(f"| {name} | {fine} | {limit.what} |")
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert [row for row in rows if row not in page] == []


def test_the_data_pages_commands_that_look_at_data(
    small_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for needed in ("torch", "matplotlib"):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    calls = [call[1:] for call in data_commands() if call[1] == "data"]
    assert [call[1] for call in calls] == ["stats", "check", "listen"]
    for call in calls:
        assert run([small_recipe.as_posix() if word.endswith(".toml") else word for word in call]) == 0, capsys.readouterr().err
    assert len(list((tmp_path / "heard").iterdir())) == 16


def test_the_plugin_of_the_plugin_page(acme: Callable[..., Path]) -> None:
    site = acme()
    for text in blocks("plugins.md", "python"):
        name = text.partition("\n")[0].removeprefix("# ").replace("acme_diar", "acme_documented")
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text.replace("acme_diar", "acme_documented"), encoding="utf-8")
    (project,) = blocks("plugins.md", "toml")
    points = tomllib.loads(project)["project"]["entry-points"]["fastdiar"]
    (site / "acme_documented-1.dist-info").mkdir()
    (site / "acme_documented-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-documented\nVersion: 1\n")
    lines = [f"{name} = {value.replace('acme_diar', 'acme_documented')}\n" for name, value in points.items()]
    (site / "acme_documented-1.dist-info" / "entry_points.txt").write_text("".join(["[fastdiar]\n", *lines]))
    acme()
    assert registry.lookup("clustering", "acme/alone").config_class().sure == 1.0


def test_the_commands_and_the_code_of_the_page_on_live_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    talk(tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    (commands,) = blocks("live.md", "sh")
    for line in commands.splitlines():
        assert run(shlex.split(line, comments=True)[1:]) == 0
        assert '"event": "final"' in capsys.readouterr().out.splitlines()[-1]
    (code,) = blocks("live.md", "python")
    (tmp_path / "live.py").write_text(code, encoding="utf-8")
    runpy.run_path("live.py")
    assert capsys.readouterr().out.splitlines()[-1].startswith("Final(")


def test_the_commands_that_analyze_of_the_page_on_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("onnxruntime", "pyannote.metrics", "jinja2", "matplotlib"):
        pytest.importorskip(needed)
    talk(tmp_path / "examples")
    shutil.copy(ROOT / "examples" / "dialogue.rttm", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    (commands,) = (block for block in blocks("evaluation.md", "sh") if "fastdiar analyze" in block)
    for line in commands.splitlines():
        assert run(shlex.split(line, comments=True)[1:]) == 0
    assert "<audio" in (tmp_path / "errors.html").read_text()


def test_the_commands_and_the_code_of_the_page_on_voices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    samples, rate = soundfile.read(ROOT / "examples" / "dialogue.flac", dtype="int16")
    stretches = {
        "ann1": (29.6, 33.3),
        "ann2": (47.5, 50.7),
        "bob": (5.0, 10.75),
        "meeting": (0.0, 10.75),
        "interview": (15.9, 22.0),
    }
    heard = {name: samples[round(start * rate) : round(end * rate)] for name, (start, end) in stretches.items()}
    heard["call"] = samples[: 11 * rate].reshape(2, -1).T  # Ann on one channel, Bob on the other
    for name, sound in heard.items():
        soundfile.write(f"{name}.wav", sound, rate)
    for call in "".join(blocks("voices.md", "sh")).splitlines():
        assert run(shlex.split(call)[1:]) == 0, capsys.readouterr().err
    names = [line.split()[7] for line in capsys.readouterr().out.splitlines() if line.startswith("SPEAKER")]
    assert set(names) == {"ann", "bob"}
    assert " ann <NA>" in Path("meeting.rttm").read_text()
    for code in blocks("voices.md", "python"):
        exec(code, {})


def test_the_commands_of_the_evaluation_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("onnxruntime", "pyannote.metrics", "jinja2", "matplotlib"):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    talk(tmp_path / "examples")
    shutil.copy(ROOT / "examples" / "dialogue.rttm", tmp_path / "examples")
    calls = [shlex.split(line, comments=True) for line in "".join(blocks("evaluation.md", "sh")).splitlines()]
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for call in calls:
        commands[call[1]].make_context(call[1], call[2:])
    here = [call for call in calls if call[2] == "quality" and call[4] == "examples"]
    assert [call[1] for call in here] == ["evaluate", "evaluate", "tune"]
    assert [run(call[1:]) for call in here] == [0, 0, 0]
    assert (tmp_path / "settings.toml").is_file()
    assert {path.name for path in tmp_path.glob("quality.*")} == {"quality.html", "quality.json"}


def test_the_recipe_of_the_evaluation_page(tmp_path: Path) -> None:
    (text,) = blocks("evaluation.md", "toml")
    (tmp_path / "meetings.toml").write_text(text, encoding="utf-8")
    assert read_recipe(tmp_path / "meetings.toml").data["test"].config.rttms == tmp_path / "references"


@pytest.mark.parametrize("text", blocks("corpora.md", "toml"), ids=lambda text: text.split('"')[1])
def test_the_recipes_of_the_corpora_page(tmp_path: Path, text: str) -> None:
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    assert read_recipe(tmp_path / "my.toml").data


def test_the_corpora_page_has_every_dataset() -> None:
    page = (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8")
    assert [name for name in registry.names("dataset") if f"| `{name}` |" not in page] == []


def data_commands() -> list[list[str]]:
    """The calls of fastdiar on the page about data."""
    lines = "".join(blocks("data.md", "sh")).splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("fastdiar ")]


def test_preparing_and_training_from_shards_as_the_data_page_does(
    voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, path in enumerate(sorted(voices.rglob("*.wav"))):
        speaker, session, _ = path.relative_to(voices).parts
        to = Path("corpora/LibriSpeech/dev-clean", speaker.removeprefix("voice"), session, f"{number}.flac")
        to.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(to, *soundfile.read(path), format="FLAC")
    for call in data_commands():
        if call[1:3] == ["prepare", "librispeech"]:
            assert run(call[1:]) == 0
    recipe = Path("recipes/my.toml")
    recipe.parent.mkdir()
    recipe.write_text(next(text for text in blocks("data.md", "toml") if 'use = "shards"' in text), encoding="utf-8")
    shards = read_recipe(recipe)
    values = ("use=librispeech", "root=corpora/LibriSpeech", "split={part}")
    files = read_recipe(recipe, [f"data.{part}.{value.format(part=part)}" for part in ("train", "dev") for value in values])
    for part in ("train", "dev"):
        keys = {entry.key for entry in read_data(shards, part)[1]}
        assert keys and keys == {entry.key for entry in read_data(files, part)[1]}


def test_the_recipes_of_the_training_page(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    found = []
    for text in blocks("training.md", "toml"):
        (tmp_path / "my.toml").write_text(text, encoding="utf-8")
        found.append(list(read_recipe(tmp_path / "my.toml").loss))
    assert found == [["speaker", "gender", "pairs"], ["speaker", "teacher"]]


def test_the_training_page_has_every_key_of_the_trainer() -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    assert [field.name for field in attrs.fields(Trainer) if f"`{field.name}`" not in page] == []


def test_the_picture_of_the_readme_is_drawn(tmp_path: Path) -> None:
    for needed in ("pyannote.metrics", "matplotlib"):
        pytest.importorskip(needed)
    reference, picture = ROOT / "examples" / "dialogue.rttm", tmp_path / "picture.png"
    runpy.run_path(str(ROOT / "docs" / "pictures" / "timeline.py"))["main"](str(reference), str(reference), str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")
