"""Figures of each task, on networks that say what they are told to."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError
from fastdiar.core.interfaces import Output
from fastdiar.evaluation.tasks import TaskAccuracy
from fastdiar.training.tasks import task_accuracies


class Told(nn.Module):
    """Answers with the numbers that the first samples hold: mood, then sex."""

    labels: ClassVar = {"mood": ("calm", "glad", "sad"), "sex": ("f", "m")}

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({"feeling": nn.Identity(), "sex": nn.Identity(), "turns": nn.Identity()})
        for name, task, level in (("feeling", "mood", "clip"), ("sex", "sex", "clip"), ("turns", "speaker", "frame")):
            self.heads[name].task, self.heads[name].level, self.heads[name].classifies = task, level, True

    def forward(self, waveform: torch.Tensor, lengths: torch.Tensor) -> dict[str, Output]:
        assert waveform.shape == (1, 2) and lengths.tolist() == [2]
        mood, sex = waveform[0].long()
        return {"feeling": Output(torch.eye(3)[mood][None]), "sex": Output(torch.eye(2)[sex][None])}


class Corpus(Dataset):
    """Keys are the answers to come, as "20"; "torn" cannot be read."""

    def entries(self) -> list[Entry]:
        return []

    def load(self, entry: Entry) -> np.ndarray:
        if entry.key == "torn":
            raise AudioError("torn")
        return np.array([float(number) for number in entry.key], np.float32)


def test_each_task_is_judged_where_its_label_is_known() -> None:
    told = [
        ("00", "calm", "f"),
        ("11", "calm", "m"),
        ("20", "sad", ""),
        ("21", "angry", "f"),
        ("torn", "sad", "m"),
        ("00", "", ""),
    ]
    entries = [Entry(key, Path(), {"mood": mood, "sex": sex}) for key, mood, sex in told]
    figures = task_accuracies(Told().eval(), Corpus(None), entries)
    assert set(figures) == {"mood", "sex"}
    assert figures["mood"] == TaskAccuracy(3, 2, pytest.approx(2 / 3), pytest.approx((2 / 3 + 0 + 1) / 3), pytest.approx(2 / 3))
    assert figures["sex"] == TaskAccuracy(3, 2, pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3))
