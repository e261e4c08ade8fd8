"""A recipe is tried in a moment, and what it exports has passed its gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastdiar.evaluation import talks
from fastdiar.testing import try_recipe


def test_what_is_exported_diarizes_as_torch_does(small_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talks, "TALKS", 2)
    comparison = json.loads((try_recipe(small_recipe, tmp_path, export=True) / "gate.json").read_text())["comparison"]
    assert comparison["der"][0] == comparison["der"][1]
    assert (comparison["data"], comparison["recordings"]) == ("talks put together from data.dev", 2)
