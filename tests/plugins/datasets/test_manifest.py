"""Tables of utterances."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdiar.core.errors import DataError, FormatError
from fastdiar.plugins.datasets.manifest import Manifest, ManifestConfig

ROWS = """path,corpus,speaker,session,gender,seconds,licence
a/1.wav,alpha,ann,1,f,2.0,CC BY 4.0
a/2.wav,alpha,ann,1,f,2.0,CC BY 4.0
b/1.wav,beta,bob,,,2.0,CC BY-NC-SA 4.0
c/1.wav,gamma,cyd,2,,2.0,INCREDIBLE
noise.wav,noise,,,,9.0,MIT
room.wav,rir,-,1,-,1.0,MIT
"""

Lister = Callable[..., list[str]]


@pytest.fixture
def listed(tmp_path: Path) -> Lister:
    """Keys of the entries that a table and a config give."""

    def listed(text: str = ROWS, name: str = "table.csv", **config: Any) -> list[str]:
        (tmp_path / name).write_text(text)
        return [entry.key for entry in Manifest(ManifestConfig(table=tmp_path / name, **config)).entries()]

    return listed


def test_rows_without_a_speaker_are_passed_over_and_columns_are_labels(tmp_path: Path, listed: Lister) -> None:
    assert listed() == ["a/1.wav", "a/2.wav", "b/1.wav", "c/1.wav"]
    first, _, third, _ = Manifest(ManifestConfig(table=tmp_path / "table.csv")).entries()
    assert first.path == tmp_path / "a" / "1.wav"
    assert first.labels == {"corpus": "alpha", "speaker": "ann", "session": "1", "gender": "f", "licence": "CC BY 4.0"}
    assert third.labels == {"corpus": "beta", "speaker": "bob", "licence": "CC BY-NC-SA 4.0"}


def test_labels_for_other_tasks_in_the_words_of_all_corpora(tmp_path: Path, listed: Lister) -> None:
    listed("path,speaker,emotion,gender,age,language\na.wav,ann,anger,Female,34,en\nb.wav,bob,,M,child,\nc.wav,cyd,,,7,pl\n")
    labels = [entry.labels for entry in Manifest(ManifestConfig(table=tmp_path / "table.csv")).entries()]
    assert labels == [
        {"speaker": "ann", "emotion": "anger", "gender": "f", "age": "30s", "language": "en"},
        {"speaker": "bob", "gender": "m", "age": "child"},
        {"speaker": "cyd", "age": "0s", "language": "pl"},
    ]


def test_tabs(listed: Lister) -> None:
    assert listed(ROWS.replace(",", "\t"), "table.tsv") == listed()


def test_choosing_corpora(listed: Lister) -> None:
    assert listed(corpora=("alpha", "beta")) == ["a/1.wav", "a/2.wav", "b/1.wav"]
    assert listed(exclude_corpora=("alpha",)) == ["b/1.wav", "c/1.wav"]


def test_a_licence_is_ruled_out_by_a_whole_word(listed: Lister) -> None:
    assert listed(exclude_licence=("NC",)) == ["a/1.wav", "a/2.wav", "c/1.wav"]


def test_choosing_speakers(tmp_path: Path, listed: Lister) -> None:
    (tmp_path / "speakers.txt").write_text("cyd\nann\nnobody\n")
    assert listed(speakers=tmp_path / "speakers.txt") == ["a/1.wav", "a/2.wav", "c/1.wav"]
    assert listed(min_utterances=2) == ["a/1.wav", "a/2.wav"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.wav", "a/../../secret.wav", ""])
def test_a_path_that_leaves_the_folder_is_refused_with_its_line(listed: Lister, path: str) -> None:
    with pytest.raises(DataError, match=rf"table\.csv:2: path '{path}' must be a file inside"):
        listed(f"path,speaker\n{path},ann\n")


def test_what_is_missing_is_named(tmp_path: Path, listed: Lister) -> None:
    with pytest.raises(FormatError, match=r"no column 'speaker' \(did you mean 'speakers'\?\)"):
        listed("path,speakers\na.wav,ann\n")
    with pytest.raises(FormatError, match=r"table\.csv:3: expected 2 columns"):
        listed("path,speaker\na.wav,ann\nb.wav\n")
    with pytest.raises(FormatError, match=r"nowhere\.txt: no such file"):
        listed(speakers=tmp_path / "nowhere.txt")
    with pytest.raises(DataError, match="no row is left"):
        listed(corpora=("omega",))


def test_the_real_table(shared: Path) -> None:
    config = ManifestConfig(
        table=shared / "data" / "MANIFEST.tsv", speakers=shared / "data" / "split_train.txt", exclude_licence=("NC",)
    )
    entries = Manifest(config).entries()
    corpora = {entry.labels["corpus"] for entry in entries}
    everybody = Manifest(ManifestConfig(table=shared / "data" / "MANIFEST.tsv")).entries()
    assert not {entry.labels["corpus"] for entry in everybody} & {"noise", "rir"}
    assert {entry.labels.get("gender") for entry in everybody} == {"f", "m", None}
    assert "wuw2" in corpora and not corpora & {"ravdess", "nemo", "noise", "rir"}
    assert len(entries) == 6007


def test_a_network_learns_ages_from_it(tmp_path: Path, say: Callable[..., None], epoch: Callable[..., dict[str, Any]]) -> None:
    """Half of the people tell no age: their clips take no part in that task."""
    rows = ["path,speaker,age"]
    for person, age in enumerate((23, 61, "", "")):
        for take in range(2):
            say(tmp_path / f"{person}{take}.wav", person, 0.8, take)
            rows.append(f"{person}{take}.wav,voice{person},{age}")
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    tables = '[head.age]\nuse = "speaker"\ntask = "age"\nhidden = [8]\n[loss.age]\nuse = "cross_entropy"\nhead = "age"\n'
    log = epoch(f'[data.train]\nuse = "manifest"\ntable = "{(tmp_path / "table.csv").as_posix()}"\n{tables}')
    assert np.isfinite(log["loss"])
    assert json.loads((tmp_path / "run" / "labels.json").read_text())["age"] == ["20s", "60s"]
