"""What a network says of whole utterances, task by task: accuracy and F1 where the corpus knows the answer."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError
from fastdiar.evaluation.closed_set import macro_f1
from fastdiar.network import Network


@attrs.frozen
class TaskAccuracy:
    """`accuracy` and `macro_f1` (0…1) over so many utterances; `likeliest` is what always saying the commonest class gets."""

    utterances: int
    classes: int
    accuracy: float
    macro_f1: float
    likeliest: float


def task_accuracies(network: Network, dataset: Dataset, entries: Sequence[Entry]) -> dict[str, TaskAccuracy]:
    """Each task's figures over the utterances whose label is one of the network's classes; each is heard alone and whole."""
    heads = {name: head.task for name, head in network.heads.items() if head.level == "clip"}
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
    return {task: _accuracy(pairs) for task, pairs in answers.items() if pairs}


@torch.no_grad()
def _outputs(network: Network, dataset: Dataset, entry: Entry) -> dict:
    samples = torch.from_numpy(dataset.load(entry))[None]
    return network(samples, torch.tensor([samples.shape[1]]))


def _accuracy(pairs: Sequence[tuple[str, str]]) -> TaskAccuracy:
    truth, said = zip(*pairs, strict=True)
    classes = set(truth)
    right = sum(one == other for one, other in pairs) / len(pairs)
    return TaskAccuracy(len(pairs), len(classes), right, macro_f1(truth, said), max(map(truth.count, classes)) / len(pairs))
