"""fastdiar's own teachers keep what the kit asks of everybody's, with small networks to learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from fastdiar import registry
from fastdiar.testing import check
from tests.plugins.teachers.test_wav2vec2 import weights  # noqa: F401 - a fixture

TABLES: dict[str, Callable[[pytest.FixtureRequest], dict[str, Any]]] = {
    "onnx": lambda request: {"path": str(_file(request, "bundle") / "classify.onnx"), "logits": "logits"},
    "run": lambda request: {"path": str(_file(request, "trained"))},
    "wav2vec2": lambda request: {"weights": str(_file(request, "weights"))},
}
"""What each is told."""


@pytest.mark.parametrize("name", [name for name in registry.names("teacher") if "/" not in name])
def test_it_keeps_its_promises(name: str, request: pytest.FixtureRequest) -> None:
    check("teacher", name, TABLES[name](request))


def _file(request: pytest.FixtureRequest, fixture: str) -> Path:
    path: Path = request.getfixturevalue(fixture)
    return path
