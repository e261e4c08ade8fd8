"""The baseline encoder is the original one, to the parameter."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from fastdiar.core.structure import StructureError, structure
from fastdiar.core.types import Frames
from fastdiar.plugins.encoders.cnn import Cnn, CnnConfig


def test_the_owners_baseline() -> None:
    encoder = Cnn(CnnConfig())
    sizes = [1, 64, 128, 256, 512, 512, 512]
    kernels = sum(3 * a * b for a, b in pairwise(sizes))
    assert sum(parameter.numel() for parameter in encoder.parameters()) == kernels + 2 * sum(sizes[1:])
    assert encoder.out == Frames(512, 512.0, 255.5)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"channels": []}, "channels"),
        ({"kernels": [3, 3, 3, 3, 3, 4]}, "must be odd and at least 1: [3, 3, 3, 3, 3, 4]"),
        ({"pools": [4, 4]}, "must have 6 numbers, one for each of 'channels': [4, 4]"),
        ({"pools": [4, 4, 4, 2, 2, 0]}, "pools"),
    ],
)
def test_wrong_blocks_are_refused(table: dict[str, list[int]], words: str) -> None:
    with pytest.raises(StructureError, match=re.escape(words)):
        structure(table, CnnConfig)
