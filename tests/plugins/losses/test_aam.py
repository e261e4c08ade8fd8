"""The additive angular margin against its formula, in angles."""

from __future__ import annotations

import math

import attrs
import numpy as np
import pytest
import torch

from fastdiar.core.interfaces import Output
from fastdiar.core.types import Batch
from fastdiar.plugins.heads.speaker import Speaker, SpeakerConfig
from fastdiar.plugins.losses.aam import Aam, AamConfig, with_margin

LABELS = ("a", "b", "c")


def test_it_is_cross_entropy_with_the_own_speaker_turned_away() -> None:
    cosines = np.array([[0.9, -0.2, 0.1], [0.3, 0.5, -0.7], [-0.4, 0.2, 0.6]])
    labels, margin, scale = [0, 2, 1], 0.3, 20.0
    own = np.eye(3)[labels].astype(bool)
    angles = np.arccos(cosines)
    logits = scale * np.where(own, np.cos(angles + margin), cosines)
    expected = np.mean(np.log(np.exp(logits).sum(1)) - logits[own])
    value, figures = loss(margin, scale)({"speaker": Output(torch.tensor(scale * cosines))}, labelled(labels))
    assert value.item() == pytest.approx(expected, rel=1e-5)
    assert figures == {"accuracy": pytest.approx(1 / 3)}


@pytest.mark.parametrize(("epoch", "margin"), [(0.0, 0.0), (0.5, 0.1), (2.0, 0.4), (7.0, 0.4), (math.inf, 0.4)])
def test_the_margin_grows_over_the_first_epochs(epoch: float, margin: float) -> None:
    outputs = {"speaker": Output(20.0 * torch.tensor([[0.9, -0.2, 0.1], [0.3, 0.5, -0.7]]))}
    growing, fixed = loss(0.4, 20.0, margin_warm_up=2.0), loss(margin, 20.0)
    batch = attrs.evolve(labelled([0, 2]), epoch=epoch)
    assert growing(outputs, batch)[0].item() == pytest.approx(fixed(outputs, batch)[0].item(), rel=1e-6)


def test_the_margin_only_ever_makes_it_harder() -> None:
    cosine = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    turned = with_margin(cosine, 0.4)
    assert (turned <= cosine + 1e-9).all()
    assert (turned.diff()[1:] > -1e-2).all()


def test_gradients_stay_finite_where_a_voice_is_exactly_its_speaker() -> None:
    logits = torch.tensor([[30.0, -30.0, 30.000002]], requires_grad=True)
    value, _ = loss(0.2, 30.0)({"speaker": Output(logits)}, labelled([0]))
    value.backward()
    assert logits.grad.isfinite().all()


def test_a_linear_classifier_is_refused() -> None:
    head = Speaker(SpeakerConfig(), 8, LABELS)
    with pytest.raises(ValueError, match=r'set classifier = "cosine" in \[head.speaker\]'):
        Aam(AamConfig(), {"speaker": head})


def loss(margin: float, scale: float, margin_warm_up: float = 0.0) -> Aam:
    head = Speaker(SpeakerConfig(classifier="cosine", scale=scale), 8, LABELS)
    return Aam(AamConfig(margin=margin, margin_warm_up=margin_warm_up), {"speaker": head})


def labelled(labels: list[int]) -> Batch:
    return Batch(torch.zeros(len(labels), 1), torch.ones(len(labels)).long(), {"speaker": torch.tensor(labels)})
