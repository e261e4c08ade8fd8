"""Most components need torch. Where it is absent, only the tests of those that do without are collected."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

WITHOUT_TORCH = ("clustering", "datasets")

if find_spec("torch") is None:
    collect_ignore = [path.name for path in Path(__file__).parent.iterdir() if path.name not in WITHOUT_TORCH]
