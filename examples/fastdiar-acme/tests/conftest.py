"""What `pytest --fastdiar-package acme` tries the components with: small sizes, which keep it quick."""

from __future__ import annotations

from pathlib import Path


def pytest_fastdiar_config(kind: str, name: str, folder: Path) -> dict[str, int] | None:
    """Keys as in a recipe's table."""
    small = {"acme/conformer": {"mels": 20, "dim": 16, "layers": 2, "feedforward": 16}}
    return small.get(name)
