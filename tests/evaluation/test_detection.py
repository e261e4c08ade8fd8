"""Error rates of trials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from fastdiar.evaluation.detection import Rates, Trials, eer_interval, rates


def trials(same: list[float], different: list[float]) -> Trials:
    scores = np.array([*same, *different], float)
    return Trials(scores, np.arange(len(scores)) < len(same), np.zeros((len(scores), 2), int))


def found(same: list[float], different: list[float]) -> Rates:
    return rates(trials(same, different))


def test_error_rates_worked_by_hand() -> None:
    assert found([0.8, 0.9], [0.1, 0.2]).eer == 0
    assert found([0.1, 0.2], [0.8, 0.9]).eer == 1
    assert found([0.3, 0.7, 0.8, 0.9], [0.1, 0.2, 0.25, 0.75]).eer == 0.25


def test_costs_worked_by_hand() -> None:
    errors = found([0.3, 0.7, 0.8, 0.9], [0.1, 0.2, 0.25, 0.75])
    # Above 0.75 half of the true are missed and nothing is accepted; above 0.25 all is caught, and a quarter accepted.
    assert errors.min_dcf(0.05) == pytest.approx(0.5)
    assert errors.min_dcf(0.5) == pytest.approx(0.25)
    assert found([0.1], [0.9]).min_dcf(0.01) == 1


scores = st.lists(st.integers(-20, 20).map(lambda number: number / 20), min_size=1, max_size=30)


@given(scores, scores)
def test_rates_are_scikit_learns(same: list[float], different: list[float]) -> None:
    accepted, caught, _ = roc_curve([1] * len(same) + [0] * len(different), [*same, *different], drop_intermediate=False)
    errors = found(same, different)
    assert errors.missed[::-1] == pytest.approx(1 - caught)
    assert errors.accepted[::-1] == pytest.approx(accepted)


@given(scores, scores)
def test_it_is_a_rate_and_the_scale_of_scores_does_not_matter(same: list[float], different: list[float]) -> None:
    errors = found(same, different)
    assert 0 <= errors.eer <= 1
    assert 0 <= errors.min_dcf(0.01) <= 1
    assert found([2 * score for score in same], [2 * score for score in different]).eer == errors.eer


def test_the_interval_holds_the_rate_and_narrows_with_more_speakers() -> None:
    widths = []
    for people in (10, 40):
        random = np.random.default_rng(0)
        speakers = np.repeat(np.arange(people), 4)
        voices = random.normal(size=(people, 8))[speakers] + random.normal(size=(len(speakers), 8))
        one, other = np.triu_indices(len(speakers), 1)
        made = Trials((voices[one] * voices[other]).sum(1), speakers[one] == speakers[other], speakers[np.stack((one, other), 1)])
        interval = eer_interval(made)
        assert interval is not None
        assert interval.low <= rates(made).eer <= interval.high
        widths.append(interval.high - interval.low)
    assert widths[1] < widths[0]


def test_two_speakers_give_no_interval() -> None:
    made = Trials(np.array([0.9, 0.1]), np.array([True, False]), np.array([[0, 0], [0, 1]]))
    assert eer_interval(made) is None
