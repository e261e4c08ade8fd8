"""RAVDESS's names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdiar.core.errors import DataError
from fastdiar.plugins.datasets.ravdess import EMOTIONS, Ravdess, RavdessConfig

EMOTION = (
    '[head.emotion]\nuse = "speaker"\ntask = "emotion"\nhidden = [8]\n[loss.emotion]\nuse = "cross_entropy"\nhead = "emotion"\n'
)


def test_names_say_who_and_how(tmp_path: Path) -> None:
    for name in ("Actor_02/03-01-06-01-02-01-02.wav", "Actor_01/03-02-05-01-02-01-01.wav", "Actor_01/notes.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    first, second = Ravdess(RavdessConfig(root=tmp_path)).entries()
    assert first.key == "Actor_01/03-02-05-01-02-01-01"
    assert first.labels == {
        "corpus": "RAVDESS",
        "speaker": "ravdess01",
        "gender": "m",
        "emotion": "anger",
        "language": "en",
    }
    assert (second.labels["speaker"], second.labels["gender"], second.labels["emotion"]) == ("ravdess02", "f", "fear")


def test_another_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no recordings laid out as Actor_01"):
        Ravdess(RavdessConfig(root=tmp_path)).entries()
    with pytest.raises(DataError, match="nowhere: no such folder: root must hold RAVDESS's folders"):
        Ravdess(RavdessConfig(root=tmp_path / "nowhere")).entries()


def test_the_real_actors(shared: Path) -> None:
    data = Ravdess(RavdessConfig(root=shared / "data" / "ravdess"))
    entries = data.entries()
    assert len({entry.labels["speaker"] for entry in entries}) == 22
    counts = Counter(entry.labels["emotion"] for entry in entries)
    assert set(counts) == set(EMOTIONS) and counts["neutral"] == 44
    assert len(data.load(entries[0])) > 16_000


def test_a_network_learns_emotions_from_it(
    tmp_path: Path, say: Callable[..., None], epoch: Callable[..., dict[str, Any]]
) -> None:
    for person, (code, take) in product("123", (("5", 0), ("6", 1))):
        say(tmp_path / "corpus" / f"Actor_0{person}/03-01-0{code}-01-01-01-0{person}.wav", int(person), 0.8, take)
    log = epoch(f'[data.train]\nuse = "ravdess"\nroot = "{(tmp_path / "corpus").as_posix()}"\n{EMOTION}')
    assert np.isfinite(log["loss"]) and 0 <= log["emotion.accuracy"] <= 1 and log["unreadable"] == 0
    assert json.loads((tmp_path / "run" / "labels.json").read_text())["emotion"] == ["anger", "fear"]
