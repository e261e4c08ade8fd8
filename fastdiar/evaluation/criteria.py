"""What fastdiar set out to reach, each with its target and stretch, beside what was measured."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Literal

import attrs

Status = Literal["stretch", "target", "missed", "not measured"]

AMI_TEST = frozenset(f"{meeting}{part}" for meeting in ("EN2002", "ES2004", "IS1009", "TS3003") for part in "abcd")
"""The 16 meetings of AMI's test set (partition "Full-corpus-ASR")."""
AMI_TEST_HOURS = 8.0
"""Less than this of them is a part of the test set, not the test set."""
VOXCELEB2_SPEAKERS = 5000
"""VoxCeleb2 has 5,994 speakers to train on; fewer than this are a part of it."""


@attrs.frozen
class Criterion:
    """A figure with what it should be: below `target` and `stretch`, or above them; None where nothing was set."""

    name: str
    unit: str
    target: float
    stretch: float | None = None
    above: bool = False

    def status(self, value: float | None) -> Status:
        """How far a value got."""
        if value is None:
            return "not measured"
        if self.stretch is not None and self._reaches(value, self.stretch):
            return "stretch"
        return "target" if self._reaches(value, self.target) else "missed"

    def _reaches(self, value: float, bound: float) -> bool:
        return value > bound if self.above else value < bound


CPU_LATENCY = Criterion("Inference P99, CPU", "ms", 15)
DER = Criterion("DER, AMI test, strict", "%", 15, 10)
ACCURACY = Criterion("Closed-set speaker accuracy, VoxCeleb2", "%", 85, 90, above=True)
MACRO_F1 = Criterion("Macro F1, VoxCeleb2", "", 0.85, 0.90, above=True)
SIZE = Criterion("Model file, weights included", "MB", 50, 20)
HOURS = Criterion("Training time", "h", 48, 24)
COST = Criterion("Training cost", "$", 100, 50)
GPU_LATENCY = Criterion("Inference P99, GPU (T4 class)", "ms", 10, 5)
END_TO_END = Criterion("End-to-end P99, audio to response", "ms", 100, 50)

CRITERIA = (GPU_LATENCY, CPU_LATENCY, END_TO_END, DER, ACCURACY, MACRO_F1, SIZE, HOURS, COST)


@attrs.frozen
class Measured:
    """A criterion with the value that was measured, on what, and how far that got; None where it was not measured here."""

    criterion: Criterion
    value: float | None
    on: str = ""

    @property
    def status(self) -> Status:
        """How far the value got."""
        return self.criterion.status(self.value)


def is_ami_test(uris: Sequence[str], hours: float) -> bool:
    """Whether recordings are the whole AMI test set; their names may go on after a dot or a slash."""
    names = {uri.rpartition("/")[2].partition(".")[0] for uri in uris}
    return names == AMI_TEST and len(uris) == len(AMI_TEST) and hours >= AMI_TEST_HOURS


def is_voxceleb2(speakers: Collection[str]) -> bool:
    """Whether speakers are those of VoxCeleb2, whose ids lie below those of VoxCeleb1, and most of them."""
    return len(speakers) >= VOXCELEB2_SPEAKERS and all(re.fullmatch(r"id0\d{4}", speaker) for speaker in speakers)
