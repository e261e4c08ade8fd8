"""What a network says beside who speaks, such as emotion: accuracy and F1 where the corpus knows the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.evaluation.closed_set import macro_f1


@attrs.frozen
class TaskAccuracy:
    """`accuracy` and `macro_f1` (0…1) over so many utterances; `likeliest` is what always saying the commonest class gets."""

    utterances: int
    classes: int
    accuracy: float
    macro_f1: float
    likeliest: float


TaskFigures = Callable[[Dataset, Sequence[Entry]], dict[str, TaskAccuracy]]
"""Each task's figures over the utterances whose label is known."""


def task_accuracy(answers: Sequence[tuple[str, str]]) -> TaskAccuracy:
    """Figures over pairs of what is true and what was said."""
    truth, said = zip(*answers, strict=True)
    classes = set(truth)
    right = sum(one == other for one, other in answers) / len(answers)
    return TaskAccuracy(len(answers), len(classes), right, macro_f1(truth, said), max(map(truth.count, classes)) / len(answers))
