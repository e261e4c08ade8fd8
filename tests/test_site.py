"""The documentation site builds without a warning, leads nowhere that is not there, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import runpy
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import attrs
import pytest

from fastdiar import registry
from fastdiar.core.component import KINDS
from fastdiar.core.tables import Trainer, WalkSettings

for needed in ("zensical", "mkdocstrings", "torch", "onnxruntime"):
    pytest.importorskip(needed)

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "docs" / "site"
NAV = tomllib.loads((SITE / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]


class Page(HTMLParser):
    """What a page asks for, where it leads, and which places of it can be led to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.places: set[str] = {""}
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attributes}
        self.places.add(told.get("id", ""))
        if "src" in told:
            self.loads.append(told["src"])
        if "href" in told:
            (self.loads if tag == "link" else self.leads).append(told["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """Every page of the site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("documentation")
    assert runpy.run_path(str(SITE / "build.py"))["main"](str(folder)) == 0
    return {path.resolve(): Page(path) for path in (folder / "site").rglob("*.html") if path.name != "404.html"}


def test_it_is_built_over_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(SystemExit, match="holds something else: choose another folder"):
        runpy.run_path(str(SITE / "build.py"))["main"](str(tmp_path))


def test_it_loads_nothing_from_elsewhere(site: dict[Path, Page]) -> None:
    assert len(site) > 40
    assert {load for page in site.values() for load in page.loads if "//" in load} == set()


def test_every_link_leads_somewhere(site: dict[Path, Page]) -> None:
    lost = [
        f"{path.name}: {lead}"
        for path, page in site.items()
        for lead in page.loads + page.leads
        if "//" not in lead and not lead.startswith("mailto:") and not _is_there(path, lead, site)
    ]
    assert lost == []


def test_every_page_is_in_the_navigation_and_the_other_way_round() -> None:
    listed = list(_pages(NAV))
    documents = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert len(set(listed)) == len(listed)
    assert documents - {page.replace("docs/index.md", "docs/README.md") for page in listed} == set()
    assert {page for page in listed if page.startswith("reference/")} == {
        f"reference/{name}.md" for name in (*KINDS, "tables", "commands", "python")
    }
    here = [page for page in listed if not page.startswith("reference/")]
    assert [page for page in here if not (ROOT / page.replace("index.md", "README.md")).is_file()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_has_every_key_of_every_component(kind: str, site: dict[Path, Page]) -> None:
    (text,) = (page.text for path, page in site.items() if path.parts[-2:] == ("reference", f"{kind}.html"))
    own = [name for name in registry.names(kind) if "/" not in name]
    assert own
    for name in own:
        config: Any = registry.lookup(kind, name).config_class
        assert f"<code>{name}</code>" in text
        assert [field.name for field in attrs.fields(config) if f"<td><code>{field.name}</code></td>" not in text] == []


def test_the_reference_has_the_fixed_tables_and_what_is_public(site: dict[Path, Page]) -> None:
    pages = {path.stem: page for path, page in site.items() if path.parent.name == "reference"}
    keys = [field.name for config in (Trainer, WalkSettings) for field in attrs.fields(config)]
    assert [key for key in keys if f"<code>{key}</code>" not in pages["tables"].text] == []
    modules = re.findall(r"^\| `(fastdiar[\w.]*)` \|", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    python = pages["python"]
    assert python.text.count("<h2") == len(modules) and set(modules) <= python.places
    assert {"fastdiar.load", "fastdiar.core.dataset.Entry.start", "fastdiar.registry.KINDS"} <= python.places
    assert not {"fastdiar.core.audio.BLOCK_SECONDS", "fastdiar.registry.EXTRAS"} & python.places
    assert "fastdiar diarize" in pages["commands"].text


def _is_there(page: Path, lead: str, site: dict[Path, Page]) -> bool:
    name, _, place = unquote(lead).partition("#")
    target = (page.parent / name).resolve() if name else page
    return target.exists() and (target not in site or place in site[target].places)


def _pages(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from [value] if isinstance(value, str) else _pages(value)
