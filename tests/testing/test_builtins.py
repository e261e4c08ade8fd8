"""fastdiar's own components keep what the kit asks of everybody's."""

from __future__ import annotations

from typing import Any

import pytest

from fastdiar import registry
from fastdiar.core.errors import MissingExtra
from fastdiar.testing import check

pytest.importorskip("torch")

SMALL: dict[str, dict[str, Any]] = {
    "campplus": {"residual": [1, 1], "stride": 2, "layers": [2, 1]},
    "cnn": {"channels": [8, 12], "kernels": [5, 3], "pools": [8, 20]},
    "melrescnn": {"mels": 16, "stem_channels": 8, "channels": [8, 12], "strides": [1, 1]},
    "rescnn": {"stem_channels": 8, "stem_stride": 10, "channels": [8, 12], "strides": [2, 2]},
    "activity": {"hidden": 8, "layers": 1},
    "tensorrt": {
        "library": "tensorrt_rtx",
        "compute_capability": "8.9",
        "batch": [1, 1, 2],
        "seconds": [0.1, 0.25, 0.25],
        "windows": [1, 1, 2],
    },
    "one_of": {"choices": {"level": {"use": "gain", "probability": 1.0}}},
}
"""What a component must be told, or sizes that keep it quick."""
ELSEWHERE = {"dataset": "tests/testing/test_datasets.py", "teacher": "tests/testing/test_teachers.py"}
"""What needs files, and where it is tried."""


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(each.component.kind, each.name, id=f"{each.component.kind}-{each.name}")
        for each in registry.listed()
        if each.component.kind not in ELSEWHERE
    ],
)
def test_it_keeps_its_promises(kind: str, name: str) -> None:
    try:
        check(kind, name, SMALL.get(name))
    except MissingExtra as error:
        pytest.skip(str(error))
