"""What tests share: the real speech beside the checkout, and third parties' plugins."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fastdiar import registry

SHARED = Path(__file__).resolve().parents[2] / "shared"
ACME = Path(__file__).resolve().parent / "acme"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real speech and teacher networks beside the checkout; skips the test where it is absent."""
    if not (SHARED / "data" / "MANIFEST.tsv").is_file():
        pytest.skip("needs the folder ../shared with real speech, which is not here")
    return SHARED


@pytest.fixture
def acme(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Installs plugins of `tests/acme` by their folders' names, as pip would, for one test; gives the folder they went to."""
    site = tmp_path_factory.mktemp("site")

    def install(*folders: str) -> Path:
        for folder in folders:
            project = tomllib.loads((ACME / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            distribution(site, project["name"], project["version"], project["entry-points"]["fastdiar"])
            monkeypatch.syspath_prepend(ACME / folder)
        monkeypatch.syspath_prepend(site)
        importlib.invalidate_caches()
        registry.installed.cache_clear()
        return site

    yield install
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]
    registry.installed.cache_clear()


def distribution(site: Path, name: str, version: str, points: dict[str, str]) -> None:
    """Write into `site` the metadata of a distribution with its entry points."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    lines = [f"{point} = {value}" for point, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[fastdiar]", *lines, ""]), encoding="utf-8")
