"""Labels in common words."""

from __future__ import annotations

import pytest

from fastdiar.core.labels import known_labels


@pytest.mark.parametrize(
    ("task", "written", "label"),
    [
        ("gender", "Female", "f"),
        ("gender", "M", "m"),
        ("gender", "other", "other"),
        ("age", 34, "30s"),
        ("age", "7", "0s"),
        ("age", "adult", "adult"),
        ("language", " pl ", "pl"),
    ],
)
def test_a_label_is_called_the_same_in_every_corpus(task: str, written: object, label: str) -> None:
    assert known_labels({task: written}) == {task: label}


def test_what_is_not_told_is_no_label() -> None:
    assert known_labels({"speaker": "", "gender": None, "emotion": " "}) == {}
