"""Targets, and when something may be called measured."""

from __future__ import annotations

import pytest

from fastdiar.evaluation.criteria import ACCURACY, AMI_TEST, CPU_LATENCY, CRITERIA, DER, Measured, is_ami_test, is_voxceleb2


@pytest.mark.parametrize(
    ("criterion", "value", "status"),
    [
        (DER, 9.9, "stretch"),
        (DER, 10.0, "target"),
        (DER, 15.0, "missed"),
        (ACCURACY, 90.1, "stretch"),
        (ACCURACY, 90.0, "target"),
        (ACCURACY, 85.0, "missed"),
        (CPU_LATENCY, 1.0, "target"),
        (CPU_LATENCY, None, "not measured"),
    ],
)
def test_a_value_reaches_what_it_passes(criterion: object, value: float | None, status: str) -> None:
    assert Measured(criterion, value).status == status  # type: ignore[arg-type]


def test_the_plan_is_whole() -> None:
    assert len(CRITERIA) == 9 == len({each.name for each in CRITERIA})


def test_only_all_of_the_test_set_is_the_test_set() -> None:
    names = sorted(AMI_TEST)
    assert len(names) == 16
    assert is_ami_test(names, hours=9.06)
    assert is_ami_test([f"amicorpus/{name}/audio/{name}.Mix-Headset" for name in names], hours=9.06)
    assert not is_ami_test(names[1:], hours=9.06)
    assert not is_ami_test(names, hours=0.13)  # clips of the meetings
    assert not is_ami_test([*names, "EN2001a"], hours=9.5)


def test_only_most_of_voxceleb2_is_voxceleb2() -> None:
    speakers = [f"id{number:05}" for number in range(12, 6006)]
    assert is_voxceleb2(speakers)
    assert not is_voxceleb2(speakers[:1000])
    assert not is_voxceleb2([*speakers, "id10001"])  # VoxCeleb1
    assert not is_voxceleb2([])
