"""The powerset loss: right in any order of voices, from turns and from a teacher."""

from __future__ import annotations

import attrs
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fastdiar.core.errors import TrainingError
from fastdiar.core.interfaces import Output
from fastdiar.core.powerset import powerset
from fastdiar.core.types import Batch, Frames
from fastdiar.plugins.heads.activity import ActivityConfig, ActivityHead
from fastdiar.plugins.heads.speaker import Speaker, SpeakerConfig
from fastdiar.plugins.losses.powerset import Powerset, PowersetConfig

TURNS = torch.tensor([[0, 0, 1, 1, 4, 4, 2, 2], [3, 3, 0, 0, 6, 6, 2, 0]])
"""Classes of two chunks of 8 frames."""


def test_the_order_of_voices_does_not_matter() -> None:
    loss = powerset_loss()
    sure = 10 * F.one_hot(TURNS, 7).float()
    other = torch.tensor([0, 2, 1, 3, 4, 6, 5])  # the first two voices change their names
    for scores in (sure, sure[..., other]):
        value, figures = loss(said(scores), batch(TURNS))
        assert value < 0.01
        assert figures == {"frame_accuracy": 1.0}


def test_each_chunk_has_an_order_of_its_own() -> None:
    other = torch.tensor([0, 2, 1, 3, 4, 6, 5])
    scores = 10 * F.one_hot(TURNS, 7).float()
    mixed = torch.stack((scores[0], scores[1, :, other]))
    assert powerset_loss()(said(mixed), batch(TURNS))[0] < 0.01


def test_padding_does_not_count() -> None:
    scores = 10 * F.one_hot(TURNS, 7).float()
    wrong = scores.clone()
    wrong[1, 4:] = 10 * F.one_hot(torch.full((4,), 5), 7).float()
    short = batch(TURNS)
    short.lengths[1] = 640
    torch.testing.assert_close(powerset_loss()(said(wrong), short)[0], powerset_loss()(said(scores), short)[0])


def test_a_teacher_teaches_what_turns_do_not_tell() -> None:
    loss = powerset_loss(teacher="turns")
    untold = Batch(torch.zeros(2, 1280), torch.tensor([1280, 1280]), {})
    scores = torch.randn(2, 8, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimizer = torch.optim.Adam([scores], 0.3)
    wanted = 8 * F.one_hot(TURNS, 7).float()
    for _ in range(60):
        value, figures = loss(said(scores), untold, {"turns": Output(wanted)})
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    assert value < 0.1
    assert figures == {}


def test_turns_and_teacher_share_the_loss() -> None:
    scores = torch.randn(2, 8, 7, generator=torch.Generator().manual_seed(0))
    teacher = {"turns": Output(torch.randn(2, 16, 7, generator=torch.Generator().manual_seed(1)))}
    turns, both, taught = (
        powerset_loss(teacher="turns", share=share)(said(scores), batch(TURNS), teacher)[0] for share in (0.0, 0.25, 1.0)
    )
    torch.testing.assert_close(both, 0.75 * turns + 0.25 * taught)


def test_a_clip_without_turns_learns_from_the_teacher_alone() -> None:
    """And without a teacher not at all."""
    scores = torch.randn(2, 8, 7, generator=torch.Generator().manual_seed(0))
    teacher = {"turns": Output(torch.randn(2, 8, 7, generator=torch.Generator().manual_seed(1)))}
    half = batch(TURNS)
    half.activity[1] = -1
    turns, both = powerset_loss(), powerset_loss(teacher="turns", share=0.25)
    told, untold = (each(said(scores), half, teacher)[0] for each in (turns, both))
    alone = Batch(torch.zeros(1, 1280), torch.tensor([1280]), {}, ("a",), half.activity[:1])
    torch.testing.assert_close(told, turns(said(scores[:1]), alone)[0])
    first = both(said(scores[:1]), alone, {"turns": Output(teacher["turns"].logits[:1])})[0]
    second = powerset_loss(teacher="turns", share=1.0)(
        said(scores[1:]), attrs.evolve(alone, activity=None), {"turns": Output(teacher["turns"].logits[1:])}
    )[0]
    torch.testing.assert_close(untold, (first + second) / 2)


def test_without_turns_and_teacher_there_is_nothing_to_learn() -> None:
    with pytest.raises(TrainingError, match="the training data tells no turns: set a teacher, or a dataset that has them"):
        powerset_loss()(said(torch.zeros(2, 8, 7)), Batch(torch.zeros(2, 1280), torch.tensor([1280, 1280]), {}))


def test_a_head_of_known_people_is_refused() -> None:
    heads = {"activity": Speaker(SpeakerConfig(), 8, ("ada", "bo"))}
    with pytest.raises(ValueError, match=r"needs a head of local voices, such as use = \"activity\": \[head.activity\] is none"):
        Powerset(PowersetConfig(), heads)


def powerset_loss(teacher: str | None = None, share: float = 0.5) -> Powerset:
    head = ActivityHead(ActivityConfig(hidden=2), Frames(4, 320.0, 159.5), ())
    return Powerset(PowersetConfig(teacher=teacher, share=share), {"activity": head})


def said(scores: Tensor) -> dict[str, Output]:
    return {"activity": Output(scores)}


def batch(classes: Tensor) -> Batch:
    """Clips whose turns are these classes; a tick each 160 samples, as many as frames."""
    activity = torch.tensor(powerset(3, 2)[classes.numpy()])
    return Batch(torch.zeros(2, 1280), torch.tensor([1280, 1280]), {}, ("a", "b"), activity)
