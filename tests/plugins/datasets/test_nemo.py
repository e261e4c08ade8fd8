"""nEMO's names and table."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdiar.core.errors import DataError
from fastdiar.plugins.datasets.nemo import EMOTIONS, Nemo, NemoConfig

EMOTION = (
    '[head.emotion]\nuse = "speaker"\ntask = "emotion"\nhidden = [8]\n[loss.emotion]\nuse = "cross_entropy"\nhead = "emotion"\n'
)


def test_names_and_the_table_say_who_and_how(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    for name in ("EB0_anger_32.wav", "SM0_surprised_1.wav", "SM0_unsure_1.wav", "readme.wav"):
        (tmp_path / "samples" / name).touch()
    (tmp_path / "data.tsv").write_text("file_id\temotion\tspeaker_id\tgender\tage\nEB0_anger_32.wav\tanger\tEB0\tfemale\t27\n")
    first, second = Nemo(NemoConfig(root=tmp_path)).entries()
    assert first.key == "EB0_anger_32"
    assert first.labels == {
        "corpus": "nEMO",
        "speaker": "nemoEB0",
        "emotion": "anger",
        "language": "pl",
        "gender": "f",
        "age": "20s",
    }
    assert second.labels == {"corpus": "nEMO", "speaker": "nemoSM0", "emotion": "surprise", "language": "pl"}


def test_another_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no recording"):
        Nemo(NemoConfig(root=tmp_path)).entries()
    (tmp_path / "a.wav").touch()
    with pytest.raises(DataError, match=r"holds no recordings called as nEMO's are: EB0_anger_32\.wav"):
        Nemo(NemoConfig(root=tmp_path)).entries()


def test_the_real_actors(shared: Path) -> None:
    data = Nemo(NemoConfig(root=shared / "data" / "nemo"))
    entries = data.entries()
    assert len(entries) == 194 and len({entry.labels["speaker"] for entry in entries}) == 8
    assert {entry.labels["emotion"] for entry in entries} == set(EMOTIONS.values())
    assert len(data.load(entries[0])) > 8_000


def test_a_network_learns_emotions_from_it(
    tmp_path: Path, say: Callable[..., None], epoch: Callable[..., dict[str, Any]]
) -> None:
    for person, (code, take) in product("123", (("anger", 0), ("fear", 1))):
        say(tmp_path / "corpus" / f"samples/EB{person}_{code}_{take}.wav", int(person), 0.8, take)
    log = epoch(f'[data.train]\nuse = "nemo"\nroot = "{(tmp_path / "corpus").as_posix()}"\n{EMOTION}')
    assert np.isfinite(log["loss"]) and 0 <= log["emotion.accuracy"] <= 1 and log["unreadable"] == 0
    assert json.loads((tmp_path / "run" / "labels.json").read_text())["emotion"] == ["anger", "fear"]
