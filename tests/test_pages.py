"""Every block of every page is accounted for, and the pages that lead by the hand are run from top to bottom."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from typer.main import get_command

from fastdiar.__main__ import run
from fastdiar.cli import app
from fastdiar.core.formats import read_rttm
from fastdiar.core.sessions import clipped
from fastdiar.core.types import RATE, Diarization

ROOT = Path(__file__).resolve().parents[1]
PATTERNS = ("*.md", "docs/*.md", "examples/*/README.md", "benchmarks/*/README.md", "fastdiar/assets/*/card.md")
PAGES = {path.relative_to(ROOT).as_posix(): path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))}
BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = {"text"}
"""Languages of what is only looked at."""
RUN_BY = {
    "README.md": {"sh": 7, "python": 2, "toml": 1, "by": "tests/test_readme.py"},
    "CONTRIBUTING.md": {"sh": 1, "by": "the Makefile, which CI runs"},
    "benchmarks/peers/README.md": {"sh": 2, "by": "tests/benchmarks/test_peers.py, with stand-ins: the peers take 6 GB"},
    "docs/corpora.md": {"toml": 6, "by": "tests/test_docs.py"},
    "docs/data.md": {
        "sh": 5,
        "toml": 1,
        "by": "tests/test_docs.py, the downloads by tests/cli/test_download.py",
    },
    "docs/deploy.md": {"sh": 3, "python": 1, "rust": 1, "by": "tests/test_deploy.py; containers and systemd are not here"},
    "docs/errors.md": {"console": 14, "by": "tests/test_pages.py"},
    "docs/evaluation.md": {"sh": 3, "toml": 1, "by": "tests/test_docs.py"},
    "docs/export.md": {"sh": 6, "by": "understood here; tests/training and tests/plugins/exporters export"},
    "docs/formats.md": {"sh": 1, "python": 1, "by": "tests/test_docs_formats.py"},
    "docs/how_it_works.md": {"sh": 1, "by": "tests/test_pages.py"},
    "docs/live.md": {"sh": 1, "python": 1, "": 1, "by": "tests/test_docs.py; benchmarks/live.py needs calls"},
    "docs/own_corpus.md": {"sh": 2, "toml": 1, "by": "tests/test_pages.py"},
    "docs/page.md": {"sh": 1, "by": "tests/page/test_view.py"},
    "docs/plugins.md": {"sh": 1, "python": 2, "toml": 1, "by": "tests/testing/test_stranger.py, tests/test_docs.py"},
    "docs/recipes.md": {"sh": 1, "toml": 3, "by": "tests/test_docs.py"},
    "docs/results.md": {"sh": 12, "by": "whoever measures: hours, and speech that cannot be given away"},
    "docs/scale.md": {"sh": 2, "by": "tests/archive/test_scale.py"},
    "docs/server.md": {"sh": 2, "by": "tests/serving/test_documentation.py"},
    "docs/start.md": {"sh": 4, "python": 1, "by": "tests/test_pages.py"},
    "docs/training.md": {"sh": 1, "toml": 2, "by": "understood here; tests/cli/test_train.py trains"},
    "docs/voices.md": {"sh": 3, "python": 2, "by": "tests/test_docs.py"},
    "examples/fastdiar-acme/README.md": {"sh": 2, "by": "tests/testing/test_stranger.py"},
    "fastdiar/assets/light/card.md": {"sh": 1, "by": "whoever trains it: hours"},
    "fastdiar/assets/quality/card.md": {"sh": 1, "by": "whoever makes it: hours"},
    "fastdiar/assets/quickstart/card.md": {"sh": 1, "by": "whoever trains it: half an hour"},
}
"""How many blocks of each language a page has, and who runs them."""


def blocks(page: str, *languages: str) -> list[str]:
    """The fenced blocks of a page, in order."""
    return [text for language, text in BLOCK.findall(PAGES[page].read_text(encoding="utf-8")) if language in languages]


def calls(page: str) -> Iterator[list[str]]:
    """Every line of the page's commands, those that go on in the next line put together."""
    for line in "".join(blocks(page, "sh")).replace("\\\n", "").splitlines():
        yield from (shlex.split(part, comments=True) for part in line.split(" && "))


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_accounted_for(page: str) -> None:
    found = Counter(language for language, _ in BLOCK.findall(PAGES[page].read_text(encoding="utf-8")))
    told = {language: count for language, count in RUN_BY.get(page, {}).items() if language != "by"}
    assert {language: count for language, count in found.items() if language not in SHOWN} == told, (
        f"{page}: have a test run the new block, and count it in RUN_BY"
    )
    for test in re.findall(r"tests/[\w/.]+", str(RUN_BY.get(page, {}).get("by", ""))):
        assert (ROOT / test).exists(), f"{page}: {test} is not there"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_fastdiar_has_these_options(page: str) -> None:
    for words in calls(page):
        if words[0] == "fastdiar" or ["-m", "fastdiar"] in [words[place : place + 2] for place in range(len(words))]:
            name, *arguments = words[words.index("fastdiar") + 1 :]
            command = get_command(app).commands[name]  # type: ignore[attr-defined]
            if arguments and arguments[0] in getattr(command, "commands", ()):
                name, command, arguments = arguments[0], command.commands[arguments[0]], arguments[1:]
            command.make_context(name, arguments)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the checkout's, with the first twelve seconds of the sample."""
    (tmp_path / "examples").mkdir()
    samples, _ = soundfile.read(ROOT / "examples" / "dialogue.flac", stop=12 * RATE, dtype="int16")
    soundfile.write(tmp_path / "examples" / "dialogue.flac", samples, RATE)
    shutil.copy(ROOT / "examples" / "dialogue.rttm", tmp_path / "examples")
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_start(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for needed in ("onnxruntime", "pyannote.metrics"):
        pytest.importorskip(needed)
    for name, *words in calls("docs/start.md"):
        assert name == "fastdiar" or [name, *words][:2] == ["pip", "install"]
        if name == "fastdiar":
            assert run(words) == 0, capsys.readouterr().err
    assert "speaker2" in (here / "dialogue.html").read_text() and "DER" in capsys.readouterr().out
    (code,) = blocks("docs/start.md", "python")
    exec(code, {})
    assert "speaker2" in capsys.readouterr().out
    (shown,) = blocks("docs/start.md", "text")
    assert shown.split()[:3] == (here / "dialogue.rttm").read_text().split()[:3]


def test_the_pictures_of_the_walk(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("onnxruntime", "pyannote.metrics", "matplotlib"):
        pytest.importorskip(needed)
    ((python, script, *arguments),) = calls("docs/how_it_works.md")
    assert python == "python"
    Path(arguments[-1]).mkdir(parents=True)
    monkeypatch.setattr("sys.argv", [script, *arguments])
    runpy.run_path(str(ROOT / script), run_name="__main__")
    drawn = {path.name for path in Path(arguments[-1]).glob("*.png")}
    shown = re.findall(r"!\[[^\]]+\]\(pictures/(\w+\.png)\)", PAGES["docs/how_it_works.md"].read_text(encoding="utf-8"))
    assert drawn == set(shown) and len(shown) == 7


def test_from_recordings_with_turns_to_a_model(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for needed in ("onnxruntime", "pyannote.metrics", "matplotlib", "jinja2", "torch", "onnxscript"):
        pytest.importorskip(needed)
    for name, start, end in (("train/a", 0, 23), ("train/b", 23, 51), ("dev/c", 0, 11), ("test/d", 29, 43)):
        _excerpt(here / "corpus" / name, start, end)
    (recipe,) = blocks("docs/own_corpus.md", "toml")
    (here / "mine.toml").write_text(recipe, encoding="utf-8")
    for name, *words in calls("docs/own_corpus.md"):
        assert name == "fastdiar"
        if words[0] == "train":
            words += ["--set", "trainer.epochs=2", "--set", "trainer.batch_size=8"]
        given = [each for word in words for each in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
        code, told = run(given), capsys.readouterr().err
        if words[0] == "backend":
            assert code == 2 and "a PLDA needs more than 128 people with 6 windows each, got 4" in told
        else:
            assert code in (0, 1 if words[:2] == ["data", "check"] else 0), f"{words}: {told}"
    assert (here / "found" / "d.rttm").read_text().startswith("SPEAKER d 1 ")
    assert "mine" in (here / "mine.html").read_text()


def _excerpt(path: Path, start: int, end: int) -> None:
    """Some seconds of the sample recording, with their turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples, _ = soundfile.read(ROOT / "examples" / "dialogue.flac", start=start * RATE, stop=end * RATE, dtype="int16")
    soundfile.write(path.with_suffix(".flac"), samples, RATE)
    (turns,) = read_rttm(ROOT / "examples" / "dialogue.rttm").values()
    path.with_suffix(".rttm").write_text(Diarization(path.name, clipped(turns, start, end)).to_rttm())


def _console() -> list[tuple[str, str]]:
    """The commands of the page of messages, each with what it says."""
    pairs = [text.removeprefix("$ ").split("\n", 1) for text in blocks("docs/errors.md", "console")]
    return [(command, said) for command, said in pairs]


@pytest.mark.parametrize(("command", "said"), _console(), ids=[command for command, _ in _console()])
def test_messages_are_what_the_commands_say(command: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for needed in ("onnxruntime", "pyannote.metrics", "torch", "jinja2"):
        pytest.importorskip(needed)
    _mistakes(here)
    name, *words = shlex.split(command)
    assert name == "fastdiar"
    assert run(words) == 2
    assert capsys.readouterr().err == said.replace("{here}", here.as_posix())


def _mistakes(here: Path) -> None:
    """The files that the page of messages speaks of."""
    samples, _ = soundfile.read(here / "examples" / "dialogue.flac", dtype="int16")
    soundfile.write(here / "meeting.flac", samples, RATE)
    soundfile.write(here / "click.wav", samples[: RATE // 20], RATE)
    (here / "notes.wav").write_text("buy milk\n")
    for folder in ("references", "found", "full"):
        (here / folder).mkdir()
    for name in ("meeting", "references/meeting", "found/other"):
        (here / f"{name}.rttm").write_text("SPEAKER meeting 1 0.4 4.2 <NA> <NA> ann <NA> <NA>\n")
    (here / "odd.rttm").write_text("SPEAKER meeting 1 0.4\n")
    (here / "full" / "something").touch()
    head = '\n[head.speaker]\nuse = "speaker"\n'
    (here / "my.toml").write_text(f'[encoder]\nuse = "rescn"\n{head}\n[trainer]\nepochs = "ten"\nlearning_rat = 0.1\n')
    (here / "other.toml").write_text(f'[encoder]\nuse = "acme/conformer"\n{head}')
    data, pooling = '[data.train]\nuse = "folder"\nroot = "voices"\n', '[encoder]\nuse = "cnn"\n[pooling]\nuse = "average"\n'
    (here / "gone.toml").write_text(f'{data}{pooling}{head}[loss.speaker]\nuse = "cross_entropy"\n')
