"""The supervised contrastive loss against its formula, written as a loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fastdiar.core.interfaces import Output
from fastdiar.core.types import Batch
from fastdiar.plugins.heads.speaker import Speaker, SpeakerConfig
from fastdiar.plugins.losses.supcon import SupCon, SupConConfig


def test_it_is_the_formula_over_clips_that_have_a_partner() -> None:
    voices = F.normalize(torch.randn(7, 5, generator=torch.Generator().manual_seed(0)), dim=-1)
    labels = [0, 1, 0, 2, 0, -1, 1]
    value, figures = loss(weight=0.5, temperature=0.2)({"speaker": Output(None, voices)}, labelled(labels))
    known = [clip for clip in range(7) if labels[clip] >= 0]
    terms = []
    for clip in known:
        others = [other for other in known if other != clip]
        partners = [other for other in others if labels[other] == labels[clip]]
        closeness = {other: np.exp(float(voices[clip] @ voices[other]) / 0.2) for other in others}
        if partners:
            terms.append(-np.mean([np.log(closeness[partner] / sum(closeness.values())) for partner in partners]))
    assert len(terms) == 5
    assert value.item() == pytest.approx(0.5 * np.mean(terms), rel=1e-5)
    assert figures == {"paired": pytest.approx(5 / 6)}


@pytest.mark.parametrize(("labels", "told"), [([0, 1, 2], {"paired": 0}), ([-1, -1, 0], {"paired": 0}), ([-1, -1, -1], {})])
def test_without_pairs_it_is_0_and_teaches_nothing(labels: list[int], told: dict[str, float]) -> None:
    voices = torch.randn(3, 4, requires_grad=True)
    value, figures = loss()({"speaker": Output(None, voices)}, labelled(labels))
    value.backward()
    assert value.item() == 0 and figures == told
    assert not voices.grad.any()


def test_a_step_down_brings_partners_closer_and_others_apart() -> None:
    voices = F.normalize(torch.randn(4, 6, generator=torch.Generator().manual_seed(1)), dim=-1).requires_grad_()
    value, _ = loss()({"speaker": Output(None, voices)}, labelled([0, 0, 1, 1]))
    value.backward()
    after = F.normalize(voices - 0.1 * voices.grad, dim=-1).detach()
    gap = [
        float(each[0] @ each[1] + each[2] @ each[3] - each[0] @ each[2] - each[1] @ each[3]) for each in (voices.detach(), after)
    ]
    assert gap[1] > gap[0]


def test_a_head_without_an_embedding_is_refused() -> None:
    head = nn.Identity()
    head.embedding = 0
    with pytest.raises(ValueError, match=r"needs a head with an embedding, .*: \[head\.mood\] has none"):
        SupCon(SupConConfig(head="mood"), {"mood": head})


def loss(weight: float = 1.0, temperature: float = 0.1) -> SupCon:
    head = Speaker(SpeakerConfig(), 8, ("a", "b", "c"))
    return SupCon(SupConConfig(weight=weight, temperature=temperature), {"speaker": head})


def labelled(labels: list[int]) -> Batch:
    clips = len(labels)
    return Batch(torch.zeros(clips, 1), torch.ones(clips).long(), {"speaker": torch.tensor(labels)})
