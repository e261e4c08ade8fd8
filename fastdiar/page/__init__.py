"""What people look at: the server's page, and the same picture as a file of its own. Built from `web/`, kept ready to use."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
SITE = HERE / "site"
"""The page's files; `index.html` is the page."""
BUILD = HERE / "build.json"
"""What the build noted: the policy under which the page runs, and the checksum of its sources."""


def policy() -> str:
    """The page's Content-Security-Policy: nothing from elsewhere, and no script but its own."""
    noted: dict[str, str] = json.loads(BUILD.read_text(encoding="utf-8"))
    return noted["policy"]
