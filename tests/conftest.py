"""What tests share: the real speech beside the checkout, where it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real speech and teacher networks beside the checkout; skips the test where it is absent."""
    if not (SHARED / "data" / "MANIFEST.tsv").is_file():
        pytest.skip("needs the folder ../shared with real speech, which is not here")
    return SHARED
