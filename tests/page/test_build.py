"""The page that ships is the one its sources make; no Node is needed to know that."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from fastdiar.page import BUILD, HERE, SITE, policy

WEB = Path(__file__).resolve().parents[2] / "web"


def test_the_page_was_built_from_these_sources() -> None:
    hashed = hashlib.sha256()
    sources = [path for path in WEB.rglob("*") if path.is_file() and "node_modules" not in path.parts]
    assert len(sources) > 15
    for name, path in sorted((path.relative_to(WEB).as_posix(), path) for path in sources):
        hashed.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    built = json.loads(BUILD.read_text(encoding="utf-8"))["sources"]
    assert hashed.hexdigest() == built, "the page is older than web/: make page"


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = (SITE / "index.html").read_text(encoding="utf-8")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert [each for each in loaded if each.startswith("/assets/")]
    for name in loaded:
        assert name == "/docs" or (SITE / name.removeprefix("/")).is_file()
    assert "http" not in page
    assert "unsafe" not in policy() and "http" not in policy()


def test_the_lock_file_names_no_registry() -> None:
    locked = (WEB / "package-lock.json").read_text(encoding="utf-8")
    assert "integrity" in locked and '"resolved": "http' not in locked


def test_the_licence_of_what_is_inside_is_beside_it() -> None:
    assert "katspaugh" in (HERE / "LICENSE.wavesurfer.txt").read_text(encoding="utf-8")
