"""Pairs of clips: which there are, and what is told of them."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest

from fastdiar.core.dataset import Entry
from fastdiar.core.errors import DataError, FormatError
from fastdiar.core.formats import Trial, read_trials
from fastdiar.diarization.model import Model
from fastdiar.evaluation import verification as module
from fastdiar.evaluation.verification import Cohort, verification
from fastdiar.plugins.datasets.folder import Folder, FolderConfig

CROPS = (0.7, None)


@pytest.fixture
def made_up(voices: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Folder, list[Entry]]:
    """Four voices, which are enough here, with two sessions of four utterances each."""
    monkeypatch.setattr(module, "FEWEST", 4)
    dataset = Folder(FolderConfig(root=voices))
    return dataset, [attrs.evolve(entry, labels={**entry.labels, "corpus": "made up"}) for entry in dataset.entries()]


def test_all_pairs_of_a_corpus_at_each_length(bundle: Path, made_up: tuple[Folder, list[Entry]]) -> None:
    short, whole = verification(Model(bundle), *made_up, crops=CROPS)
    assert [(each.corpus, each.seconds, each.scores) for each in (short, whole)] == [
        ("made up", 0.7, "cosine"),
        ("made up", None, "cosine"),
    ]
    # Of each voice 16 pairs across its two sessions; of two voices all 32 · 24 / 2.
    assert (short.speakers, short.same, short.different) == (4, 64, 384)
    assert short.eer < 0.4 and 0 <= short.min_dcf_05 <= 1 and 0 <= short.min_dcf_01 <= 1
    assert short.interval is not None and short.interval.low <= short.eer <= short.interval.high
    assert sum(short.histogram.same) == pytest.approx(1, abs=1e-4) == pytest.approx(sum(short.histogram.different), abs=1e-4)
    assert short.curve[0][0] == 0 and short.curve[-1][1] == 0
    assert verification(Model(bundle), *made_up, crops=CROPS) == (short, whole)


def test_pairs_of_several_corpora_are_counted_together_too(bundle: Path, made_up: tuple[Folder, list[Entry]]) -> None:
    dataset, entries = made_up
    again = [attrs.evolve(entry, labels={**entry.labels, "corpus": "again"}) for entry in entries]
    one, other, together = verification(Model(bundle), dataset, [*entries, *again], crops=[0.7])
    assert [each.corpus for each in (one, other, together)] == ["again", "made up", "together"]
    # The same voices twice: no pair is of two corpora, and every share stays what it is.
    assert (together.speakers, together.same, together.different) == (8, 2 * one.same, 2 * one.different)
    assert together.eer == pytest.approx(one.eer)
    assert together.interval is not None and together.interval.high <= 1


def test_a_list_says_which_pairs(bundle: Path, made_up: tuple[Folder, list[Entry]]) -> None:
    keys = [entry.key for entry in made_up[1]]
    listed = [
        Trial(True, keys[0], keys[4]),
        Trial(False, f"{keys[0]}.flac", keys[8]),
        Trial(False, keys[4], keys[9]),
    ]
    (found,) = verification(Model(bundle), *made_up, crops=[0.7], trials=listed)
    assert (found.corpus, found.speakers, found.same, found.different) == ("trials", 2, 1, 2)
    with pytest.raises(DataError, match="trials: no utterance 'voice9/monday/0"):
        verification(Model(bundle), *made_up, trials=[Trial(True, keys[0], "voice9/monday/0.wav")])


def test_normalised_scores_follow_the_cosines(bundle: Path, made_up: tuple[Folder, list[Entry]]) -> None:
    cosine, normalised = verification(Model(bundle), *made_up, crops=[0.7], cohort=Cohort(*made_up))
    assert (cosine.scores, normalised.scores) == ("cosine", "as-norm")
    assert (cosine.same, cosine.different) == (normalised.same, normalised.different)
    assert normalised.histogram.edges[-1] > 1  # standard deviations, no cosine


def test_normalising_is_the_mean_of_two_z_scores() -> None:
    vectors = np.eye(3)[:2]
    backdrop = np.array([[0.6, 0.8, 0], [0.8, 0, 0.6], [0, 0.6, 0.8]])
    by_hand = [(0.0 - np.mean(side)) / np.std(side) for side in ([0.6, 0.8, 0.0], [0.8, 0.0, 0.6])]
    found = module._normalised(np.array([0.0]), np.array([[0, 1]]), vectors, backdrop)
    assert found == pytest.approx([np.mean(by_hand)])


def test_too_few_speakers(bundle: Path, voices: Path) -> None:
    dataset = Folder(FolderConfig(root=voices))
    with pytest.raises(DataError, match="a corpus of at least 8 speakers"):
        verification(Model(bundle), dataset, dataset.entries())


def test_what_cannot_be_heard_takes_no_part(bundle: Path, made_up: tuple[Folder, list[Entry]], tmp_path: Path) -> None:
    dataset, entries = made_up
    gone = attrs.evolve(entries[0], path=tmp_path / "gone.wav")
    (found,) = verification(Model(bundle), dataset, [gone, *entries[1:]], crops=[0.7])
    assert (found.same, found.different) == (60, 360)
    with pytest.raises(DataError, match="no clips that can be read"):
        verification(Model(bundle), dataset, [attrs.evolve(entry, path=gone.path) for entry in entries])
    with pytest.raises(DataError, match="a cohort of at least 4 speakers that can be heard, found 0"):
        verification(Model(bundle), *made_up, cohort=Cohort(dataset, [gone]))


def test_lists_of_trials(tmp_path: Path) -> None:
    path = tmp_path / "veri_test.txt"
    path.write_text("1 id1/a/1.wav id1/b/2.wav\n\n0 id1/a/1.wav id2/c/1.wav\n")
    assert read_trials(path) == [Trial(True, "id1/a/1.wav", "id1/b/2.wav"), Trial(False, "id1/a/1.wav", "id2/c/1.wav")]
    path.write_text("1 a b\nsame a b\n")
    with pytest.raises(FormatError, match=r"veri_test.txt:2: expected a trial, '1 path path'"):
        read_trials(path)
    path.write_text("")
    with pytest.raises(FormatError, match="holds no trials"):
        read_trials(path)
