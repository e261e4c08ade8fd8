"""Build the documentation site: python docs/site/build.py FOLDER, then open FOLDER/site/index.html.

The pages are the checkout's Markdown files where they lie; the reference is made here, from what the code says of itself. A link
that leads nowhere, or anything else that zensical warns of, is an error. Nothing is asked of a network.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from json import loads
from pathlib import Path
from typing import Any

import typer

import fastdiar
from fastdiar.__main__ import run
from fastdiar.cli import app
from fastdiar.core.structure import described
from fastdiar.core.tables import Trainer, WalkSettings
from fastdiar.core.toml_text import dumps_value

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(fastdiar.__file__).parent
SETTINGS = "zensical.toml"
PAGES = ("*.md", "LICENSE", "NOTICE", "docs/*.md", "benchmarks/*/README.md", "examples/*/README.md")
FILES = ("deploy/*", "docs/pictures/*.png")
"""What pages show, and lead to."""
CARDS = "assets/*/card.md"
"""In the package, wherever it is installed."""
INTRODUCTIONS = {
    "dataset": "What `[data.train]`, `[data.dev]` and `[data.test]` can name. Corpora: [Corpora](../docs/corpora.md).",
    "augmentation": "What `[augment.NAME]` can name. Side by side: [Recipes](../docs/recipes.md#augmentations).",
    "encoder": "What `[encoder]` can name: waveform to frames.",
    "temporal": "What `[temporal.NAME]` can name: frames to frames.",
    "pooling": "What `[pooling]` can name: frames to one vector a speaker.",
    "head": "What `[head.NAME]` can name: the last layers, for one task.",
    "loss": "What `[loss.NAME]` can name: what training lowers.",
    "teacher": "What `[teacher.NAME]` can name: trained networks that losses learn from ([Training](../docs/training.md)).",
    "exporter": "What `[export]`, and `fastdiar export --to`, can name ([Exporting](../docs/export.md)).",
    "clustering": "What `[diarization.cluster]` can name: which windows are one person's.",
}
"""What stands above the components of each kind."""
TABLES = {"trainer": Trainer, "diarization": WalkSettings}
MODULES = re.compile(r"^\| `(fastdiar[\w.]*)` \|", re.MULTILINE)
"""The public modules, as docs/api.md lists them."""


def main(folder: str) -> int:
    """Put the site's pages and settings into a folder, and have zensical build it there; returns zensical's exit code."""
    work = Path(folder).resolve()
    if work.is_dir() and any(work.iterdir()) and not (work / SETTINGS).is_file():
        sys.exit(f"{work}: holds something else: choose another folder")
    for made in ("pages", "site"):
        shutil.rmtree(work / made, ignore_errors=True)
    for base, patterns in ((ROOT, PAGES + FILES), (PACKAGE.parent, (f"fastdiar/{CARDS}",))):
        for path in sorted(path for pattern in patterns for path in base.glob(pattern) if path.is_file()):
            put(path, work / "pages" / path.relative_to(base))
    for name, text in reference().items():
        page = work / "pages" / "reference" / f"{name}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")
    shutil.copyfile(Path(__file__).with_name(SETTINGS), work / SETTINGS)
    return subprocess.run([sys.executable, "-m", "zensical", "build", "--clean", "--strict"], check=False, cwd=work).returncode


def put(source: Path, target: Path) -> None:
    """A file to its place. A page README.md is called index.md on the site, and so are the links to it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != ".md":
        shutil.copyfile(source, target)
        return
    text = re.sub(r"(\]\((?!https?:)[^)#]*)\bREADME\.md", r"\1index.md", source.read_text(encoding="utf-8"))
    name = "index.md" if target.name == "README.md" else target.name
    target.with_name(name).write_text(text, encoding="utf-8")


def reference() -> dict[str, str]:
    """The generated pages, by name."""
    pages = {kind: "\n".join(components(kind, words)) for kind, words in INTRODUCTIONS.items()}
    tables = ["# Fixed tables", "", "Keys of a recipe that belong to no component.", ""]
    for name, config in TABLES.items():
        tables += [f"## `[{name}]`", "", *keys(described(config)), ""]
    modules = MODULES.findall((ROOT / "docs" / "api.md").read_text(encoding="utf-8"))
    python = ["# Python", "", "What is public, and how long it stays: [What is public](../docs/api.md).", ""]
    return {
        **pages,
        "tables": "\n".join(tables),
        "commands": "\n".join(commands()),
        "python": "\n".join([*python, *(f"::: {name}\n" for name in modules)]),
    }


def components(kind: str, words: str) -> Iterator[str]:
    """A page of one kind: each component with its keys and what a recipe says."""
    yield from (f"# Kind: {kind}", "", words, "")
    own = [each for each in loads(said("plugins", kind, "--json"))["components"] if "/" not in each["name"]]
    for each in own:
        report = loads(said("plugins", kind, each["name"], "--json"))
        yield from (f"## `{each['name']}`", "", f"*{each['summary']}*", "", report["description"], "")
        yield from (*keys(report["keys"]), "", "```toml", report["recipe"], "```", "")


def keys(found: list[dict[str, Any]]) -> Iterator[str]:
    """A table of keys."""
    yield from ("| key | type | default | |", "|---|---|---|---|")
    for key in found:
        default = "**required**" if key["required"] else "" if key["default"] is None else f"`{dumps_value(key['default'])}`"
        cells = (f"`{key['key']}`", key["type"], default, key["help"])
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def commands() -> Iterator[str]:
    """A page of all commands: the help of each."""
    yield from ("# Commands", "", "`fastdiar COMMAND --help` prints the same.", "")
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        for words in [(name, inner) for inner in getattr(command, "commands", ())] or [(name,)]:
            yield from (f"## fastdiar {' '.join(words)}", "", "```text", said(*words, "--help").rstrip(), "```", "")


def said(*words: str) -> str:
    """What a command prints."""
    with redirect_stdout(StringIO()) as heard:
        assert run(words) == 0, words
    return heard.getvalue()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
