"""nEMO's names and table."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastdiar.core.errors import DataError
from fastdiar.plugins.datasets.nemo import EMOTIONS, Nemo, NemoConfig


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
