"""As a stranger does it: packages from `fastdiar new` and the one in examples/, installed in an environment of their own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import soundfile

from fastdiar.__main__ import run
from fastdiar.scaffold import MADE
from fastdiar.testing import promised, write_voices

for needed in ("torch", "onnxruntime", "jinja2", "setuptools"):
    pytest.importorskip(needed)

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
FIRST_HOUR = PAGE.partition("```sh\n")[2].partition("```")[0]
"""The commands of docs/plugins.md that lead from nothing to a recording diarized with one's own encoder."""
COMMANDS = [shlex.split(line, comments=True) for line in FIRST_HOUR.splitlines()]


SECTIONS = {kind: kind.title() for kind in MADE} | {"temporal": "Temporal block", "teacher": "Teacher and clustering"}


@pytest.mark.parametrize("kind", [*MADE, "teacher"])
def test_the_page_tells_where_things_go_and_what_each_kind_promises(kind: str) -> None:
    (section,) = re.findall(rf"^### {SECTIONS[kind]}\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    (of_all,) = re.findall(r"^Of every component: (.*?)Of every module", PAGE, re.MULTILINE | re.DOTALL)
    (of_modules,) = re.findall(r"Of every module [^:]*: (.*?)\n\n", PAGE, re.DOTALL)
    text = section.partition("Promises:")[2] + of_all + (of_modules if "every module below" in section else "")
    kinds = ("teacher", "clustering") if kind == "teacher" else (kind,)
    assert set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", text)) == {promise.name for each in kinds for promise in promised(each)}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package of every kind; the encoder's is that of the documentation. Beside it lies made-up speech."""
    folder = tmp_path_factory.mktemp("somewhere") / "packages"
    folder.mkdir()
    for kind in MADE:
        assert run(["new", kind, "wavy" if kind == "encoder" else f"own_{kind}", "--into", str(folder)]) == 0
    shutil.copytree(ROOT / "examples" / "fastdiar-acme", folder / "examples" / "fastdiar-acme", ignore=_built)
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    return folder


@pytest.fixture(scope="module")
def python(packages: Path) -> Path:
    """The interpreter of an environment with all packages installed, and what this one has: torch is not installed again."""
    folder = packages / "environment"
    venv.create(folder, with_pip=False)
    interpreter = folder / "bin" / "python"
    here, its = sysconfig.get_path("purelib"), sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(its, "base.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    made = [str(path) for path in sorted(packages.glob("fastdiar-*"))]
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", *options]
    subprocess.run([*command, *made, str(packages / "examples" / "fastdiar-acme")], check=True)
    return interpreter


def test_packages_of_every_kind_and_the_example_pass_their_tests(python: Path, packages: Path) -> None:
    acme = packages / "examples" / "fastdiar-acme" / "tests"
    tests = [*(str(path / "tests") for path in sorted(packages.glob("fastdiar-*"))), str(acme)]
    command = ["-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "--fastdiar-package", "acme"]
    done = _called(python, packages, [*command, f"--rootdir={packages}", *tests])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout.splitlines()[-1]


def test_the_first_hour_of_an_author(python: Path, packages: Path) -> None:
    assert len(COMMANDS) <= 12
    samples, rate = soundfile.read(ROOT / "examples" / "dialogue.flac", stop=8 * 16_000, dtype="int16")
    soundfile.write(packages / "dialogue.flac", samples, rate)
    folder, calls = packages, []
    for name, *words in COMMANDS:
        if name == "cd":
            folder = folder / words[0]
        elif name in ("python", "fastdiar") and words[0] != "new":
            calls.append(words)
        else:  # the fixtures did it: written, installed and tested with the others
            assert [name, *words][:2] in (["fastdiar", "new"], ["pip", "install"], ["pytest"]), name
    said = _said(python, folder, calls)
    assert said.splitlines()[-1].startswith("SPEAKER dialogue 1 ")


def test_the_commands_of_the_examples_readme(python: Path, packages: Path) -> None:
    folder, calls = packages / "examples" / "fastdiar-acme", []
    lines = "".join(re.findall(r"```sh\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL))
    for name, *words in (shlex.split(line) for line in lines.replace("\\\n", "").splitlines()):
        if name == "fastdiar":
            calls.append(words)
        else:  # the fixtures and the tests above did it
            assert [name, words[0]] in (["pip", "install"], ["pytest", "tests"])
    assert [words[0] for words in calls] == ["plugins", "train", "evaluate", "train", "evaluate"]
    _write_table(packages.parent / "shared" / "data")
    _said(python, folder, calls[:-1])  # the last asks of one run what was asked of the other


def _write_table(folder: Path) -> None:
    """Made-up voices as a table with the columns, corpora and speakers that the example's recipe asks for."""
    write_voices(folder)
    paths = [path.relative_to(folder) for path in sorted(folder.rglob("*.wav"))]
    corpus = {"voice0": "wuw2", "voice1": "wuw2", "voice2": "dspspeech20", "voice3": "dspspeech20"}
    rows = [f"{path}\t{corpus[path.parts[0]]}\t{path.parts[0]}\tCC BY 4.0\n" for path in paths]
    (folder / "MANIFEST.tsv").write_text("path\tcorpus\tspeaker\tlicence\n" + "".join(rows))
    (folder / "split_train.txt").write_text("".join(f"{speaker}\n" for speaker in corpus))


def test_fifty_plugins_are_not_imported_for_what_is_built_in(tmp_path: Path) -> None:
    """What does not hang on the machine of the start-up's cost, which benchmarks/test_startup.py measures."""
    for number in range(50):
        name, crash = f"many_{number}", "raise RuntimeError('broken')\n" if number == 7 else ""
        (tmp_path / f"{name}.py").write_text(crash)
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[fastdiar]\n{name} = {name}\n")
    code = (
        "import sys\nfrom fastdiar.__main__ import run\n"
        f"assert run(['diarize', {str(ROOT / 'examples' / 'dialogue.flac')!r}, '--help']) == 0\n"
        "from fastdiar import registry\nregistry.lookup('clustering', 'variational')\nregistry.lookup('dataset', 'folder')\n"
        "assert len(registry.installed().plugins()) >= 50\n"
        "assert [name for name in sys.modules if name.startswith('many_')] == []\nassert registry.broken() == []\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr


def _said(python: Path, folder: Path, calls: list[list[str]]) -> str:
    """What commands of fastdiar, and code after `-c`, print, one after the other in one process: torch is imported once."""
    code = (
        "from fastdiar.__main__ import run\n"
        f"for words in {calls}:\n"
        "    code = exec(words[1], {}) if words[0] == '-c' else run(words)\n"
        "    assert not code, words\n"
    )
    done = _called(python, folder, ["-c", code])
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _called(python: Path, folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "FASTDIAR_PLUGINS")}
    return subprocess.run([python, *words], check=False, capture_output=True, text=True, cwd=folder, env=environment)


def _built(folder: str, names: list[str]) -> list[str]:
    """What an installation leaves behind."""
    return [name for name in names if name in ("build", "__pycache__") or name.endswith(".egg-info")]
