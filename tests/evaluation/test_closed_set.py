"""Accuracy, F1 and latency on held-back utterances."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from fastdiar.__main__ import run
from fastdiar.core.bundle import read_bundle, write_bundle
from fastdiar.core.dataset import Entry
from fastdiar.core.errors import DataError, ModelError
from fastdiar.diarization.model import Model
from fastdiar.evaluation.closed_set import closed_set, macro_f1
from fastdiar.plugins.datasets.folder import Folder, FolderConfig

names = st.sampled_from("abcde")


@given(st.lists(st.tuples(names, names), min_size=1))
def test_macro_f1_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    truth, guesses = zip(*pairs, strict=True)
    assert macro_f1(truth, guesses) == pytest.approx(f1_score(truth, guesses, average="macro"))


@pytest.fixture
def test_set(voices: Path) -> tuple[Folder, list[Entry]]:
    dataset = Folder(FolderConfig(root=voices, split="test"))
    return dataset, dataset.entries()


def test_made_up_voices_are_known_again(bundle: Path, test_set: tuple[Folder, list[Entry]]) -> None:
    found = closed_set(Model(bundle), *test_set)
    assert found.overall.utterances == 16 and found.overall.speakers == 4
    assert found.overall.accuracy > 0.5
    assert found.corpora == {}
    assert 0 < found.latency.p50 <= found.latency.p99 and found.latency.threads == 1


def test_corpora_add_up_and_strangers_and_broken_files_are_counted_apart(
    bundle: Path, test_set: tuple[Folder, list[Entry]], tmp_path: Path
) -> None:
    dataset, entries = test_set
    corpora = ("odd", "even") * len(entries)
    tagged = [attrs.evolve(entry, labels={**entry.labels, "corpus": name}) for entry, name in zip(entries, corpora, strict=False)]
    stranger = attrs.evolve(entries[0], labels={"speaker": "stranger"})
    broken = attrs.evolve(entries[0], path=tmp_path / "nowhere.wav")
    found = closed_set(Model(bundle), dataset, [*tagged, stranger, broken])
    assert (found.unknown, found.unreadable) == (1, 1)
    assert set(found.corpora) == {"even", "odd"}
    hits = sum(each.accuracy * each.utterances for each in found.corpora.values())
    assert hits == pytest.approx(found.overall.accuracy * found.overall.utterances)


def test_strangers_alone_or_a_model_without_classes_are_errors(
    bundle: Path, test_set: tuple[Folder, list[Entry]], tmp_path: Path
) -> None:
    dataset, entries = test_set
    with pytest.raises(DataError, match="is of a speaker that the model knows"):
        closed_set(Model(bundle), dataset, [attrs.evolve(entries[0], labels={"speaker": "stranger"})])
    (tmp_path / "encode.onnx").write_bytes((bundle / "encode.onnx").read_bytes())
    write_bundle(tmp_path, attrs.evolve(read_bundle(bundle), labels=()))
    with pytest.raises(ModelError, match="has no classes"):
        closed_set(Model(tmp_path), dataset, entries)


def test_the_command_gives_the_same_figures(
    bundle: Path, small_recipe: Path, test_set: tuple[Folder, list[Entry]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(bundle), "--data", str(small_recipe), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["overall"] == attrs.asdict(closed_set(Model(bundle), *test_set).overall)
    assert run(["evaluate", str(bundle), "--data", str(small_recipe)]) == 0
    printed = capsys.readouterr().out
    assert "accuracy %" in printed and "P99" in printed and "batch 1, 1 thread" in printed


def test_a_recipe_without_test_data(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.toml").write_text(f'[data.train]\nuse = "folder"\nroot = "{np.random.default_rng(0).integers(9)}"\n')
    assert run(["evaluate", str(bundle), "--data", str(tmp_path / "recipe.toml")]) == 2
    assert "recipe.toml: data.test: is missing" in capsys.readouterr().err
