"""What a trained network's heads say of whole utterances, task by task."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError
from fastdiar.evaluation.tasks import TaskAccuracy, task_accuracy
from fastdiar.network import Network


def task_accuracies(network: Network, dataset: Dataset, entries: Sequence[Entry]) -> dict[str, TaskAccuracy]:
    """Each task's figures over the utterances whose label is one of the network's classes; each is heard alone and whole."""
    heads = {name: head.task for name, head in network.heads.items() if head.level == "clip" and head.classifies}
    answers: dict[str, list[tuple[str, str]]] = {task: [] for task in heads.values()}
    for entry in entries:
        known = {name: task for name, task in heads.items() if entry.labels.get(task) in network.labels[task]}
        try:
            outputs = _outputs(network, dataset, entry) if known else {}
        except AudioError:
            continue
        for name, task in known.items():
            said = network.labels[task][int(outputs[name].logits.argmax())]
            answers[task].append((entry.labels[task], said))
    return {task: task_accuracy(pairs) for task, pairs in answers.items() if pairs}


@torch.no_grad()
def _outputs(network: Network, dataset: Dataset, entry: Entry) -> dict:
    samples = torch.from_numpy(dataset.load(entry))[None]
    return network(samples, torch.tensor([samples.shape[1]]))
