"""What a run's heads know: accuracy and macro F1 of each task on the run's `[data.test]`.

python benchmarks/tasks.py runs/multitask
"""

from __future__ import annotations

import sys
from pathlib import Path

from fastdiar.recipe import read_data
from fastdiar.training.checkpoint import load_run, read_run_recipe
from fastdiar.training.tasks import task_accuracies


def main(run: Path) -> None:
    dataset, entries = read_data(read_run_recipe(run), "test")
    for task, figures in task_accuracies(load_run(run), dataset, entries).items():
        print(
            f"{task}: {figures.utterances} utterances, {figures.classes} classes: accuracy {figures.accuracy:.1%} "
            f"(always the commonest: {figures.likeliest:.1%}), macro F1 {figures.macro_f1:.3f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
