"""The equal error rate."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.errors import DataError
from fastdiar.diarization.model import Model
from fastdiar.evaluation import verification as module
from fastdiar.evaluation.verification import equal_error_rate, verification
from fastdiar.plugins.datasets.folder import Folder, FolderConfig


def test_error_rates_worked_by_hand() -> None:
    assert equal_error_rate(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == 0
    assert equal_error_rate(np.array([0.1, 0.2]), np.array([0.8, 0.9])) == 1
    assert equal_error_rate(np.array([0.3, 0.7, 0.8, 0.9]), np.array([0.1, 0.2, 0.25, 0.75])) == 0.25


scores = st.lists(st.floats(-1, 1), min_size=1, max_size=30).map(np.array)


@given(scores, scores)
def test_it_is_a_rate_and_the_scale_of_scores_does_not_matter(same: np.ndarray, different: np.ndarray) -> None:
    rate = equal_error_rate(same, different)
    assert 0 <= rate <= 1
    assert equal_error_rate(2 * same, 2 * different) == rate


def test_scores_without_meaning_give_one_half() -> None:
    random = np.random.default_rng(0)
    assert equal_error_rate(random.normal(size=5_000), random.normal(size=5_000)) == pytest.approx(0.5, abs=0.03)


def test_made_up_voices_by_corpus(bundle: Path, voices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 4)
    dataset = Folder(FolderConfig(root=voices))
    entries = [attrs.evolve(entry, labels={**entry.labels, "corpus": "made up"}) for entry in dataset.entries()]
    (found,) = verification(Model(bundle), dataset, entries, seconds=0.7, trials=50).values()
    # Four voices with two sessions of four: 16 pairs of each across sessions, of which fifty are taken.
    assert (found.speakers, found.same, found.different) == (4, 50, 50)
    assert found.eer < 0.4
    assert verification(Model(bundle), dataset, entries, seconds=0.7, trials=50) == {"made up": found}


def test_too_few_speakers(bundle: Path, voices: Path) -> None:
    dataset = Folder(FolderConfig(root=voices))
    with pytest.raises(DataError, match="a corpus of at least 8 speakers"):
        verification(Model(bundle), dataset, dataset.entries())
