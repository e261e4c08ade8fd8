"""Accuracy, F1 and latency on held-back utterances."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from fastdiar.core.bundle import read_bundle, write_bundle
from fastdiar.core.dataset import Entry
from fastdiar.core.errors import DataError, ModelError
from fastdiar.diarization.model import Model
from fastdiar.evaluation.closed_set import closed_set, f1_scores, macro_f1
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
    assert found.overall.interval is not None
    assert found.overall.interval.low <= found.overall.accuracy <= found.overall.interval.high


def test_confusions_and_the_f1_of_each_speaker_add_up(bundle: Path, test_set: tuple[Folder, list[Entry]]) -> None:
    found = closed_set(Model(bundle), *test_set)
    cells = {(each.speaker, each.guessed): each.utterances for each in found.confusions}
    assert sum(cells.values()) == 16
    assert sum(count for (speaker, guessed), count in cells.items() if speaker == guessed) / 16 == found.overall.accuracy
    truth, guesses = zip(*(pair for pair, count in cells.items() for _ in range(count)), strict=True)
    assert found.f1 == f1_scores(truth, guesses)
    assert found.overall.macro_f1 == pytest.approx(np.mean(list(found.f1.values())))


def test_latency_names_its_conditions(bundle: Path, test_set: tuple[Folder, list[Entry]]) -> None:
    latency = closed_set(Model(bundle), *test_set).latency
    assert 0 < latency.p50 <= latency.p99
    assert (latency.threads, latency.seconds, latency.runs) == (1, 3.0, 200)
    assert re.search(r"batch 1, 1 thread, clips of 3 s, 200 runs, onnxruntime \S+ on cpu.*, load \d", str(latency))


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
