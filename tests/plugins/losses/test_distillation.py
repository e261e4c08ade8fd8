"""What is learnt from teachers: classes, embeddings, frames and likeness."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastdiar.core.errors import TrainingError
from fastdiar.core.interfaces import Loss, Output
from fastdiar.core.types import Batch
from fastdiar.plugins.heads.speaker import Speaker, SpeakerConfig
from fastdiar.plugins.losses.distillation import Distillation, DistillationConfig
from fastdiar.plugins.losses.embedding_distillation import EmbeddingDistillation, EmbeddingDistillationConfig
from fastdiar.plugins.losses.frame_distillation import FrameDistillation, FrameDistillationConfig
from fastdiar.plugins.losses.relational import Relational, RelationalConfig

HEADS: dict[str, nn.Module] = {"speaker": Speaker(SpeakerConfig(hidden=(6,)), 8, ("ada", "bo", "cy"))}
LOSSES = [
    (Distillation, DistillationConfig()),
    (EmbeddingDistillation, EmbeddingDistillationConfig()),
    (FrameDistillation, FrameDistillationConfig()),
    (Relational, RelationalConfig()),
]
every = pytest.mark.parametrize(("kind", "config"), LOSSES)


@every
def test_it_is_least_where_the_network_says_what_its_teacher_says(kind: type[Loss], config: object) -> None:
    loss = kind(config, HEADS).eval()
    taught = output(1)
    same, _ = loss({"speaker": taught}, batch(), {"voice": taught})
    other, _ = loss({"speaker": output(2)}, batch(), {"voice": taught})
    assert same < 1e-5
    assert other > same + 0.1


@every
def test_learning_lowers_it(kind: type[Loss], config: object) -> None:
    loss, taught = kind(config, HEADS).eval(), output(1)
    own = [part.clone().requires_grad_() for part in (output(2).logits, output(2).embedding, output(2).frames)]
    optimizer = torch.optim.Adam(own, 0.05)
    values = []
    for _ in range(80):
        voice = Output(own[0], F.normalize(own[1], dim=-1), own[2])
        value, _ = loss({"speaker": voice}, batch(), {"voice": taught})
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.2 * values[0]


@every
def test_a_teacher_that_does_not_say_it_is_named(kind: type[Loss], config: object) -> None:
    with pytest.raises(TrainingError, match=r"\[teacher.voice\]: has no (logits|embedding|frames): choose another"):
        kind(config, HEADS)({"speaker": output(1)}, batch(), {"voice": Output(None)})


@pytest.mark.parametrize(("kind", "config"), LOSSES[:3])
def test_sizes_that_differ_are_said(kind: type[Loss], config: object) -> None:
    wide = Output(torch.zeros(4, 9), torch.zeros(4, 9), torch.zeros(4, 10, 9))
    with pytest.raises(TrainingError, match=r"\[teacher.voice\]: has 9 (classes|embedding|frames), the network \d: they must be"):
        kind(config, HEADS)({"speaker": output(1)}, batch(), {"voice": wide})


def test_temperature_is_hintons() -> None:
    own, taught = output(1).logits, output(2).logits
    value, figures = Distillation(DistillationConfig(weight=0.7, temperature=2.0), HEADS)(
        {"speaker": Output(own)}, batch(), {"voice": Output(taught)}
    )
    wanted, got = (taught / 2).softmax(-1), (own / 2).log_softmax(-1)
    expected = 0.7 * 4 * (wanted * (wanted.log() - got)).sum(-1).mean()
    torch.testing.assert_close(value, expected)
    assert 0 <= figures["agreement"] <= 1


def test_a_projection_lies_between_embeddings_of_two_sizes() -> None:
    loss = EmbeddingDistillation(EmbeddingDistillationConfig(teacher_size=9), HEADS)
    value, _ = loss({"speaker": output(1)}, batch(), {"voice": Output(None, torch.randn(4, 9))})
    value.backward()
    assert loss.project.weight.grad is not None


def test_the_mean_of_all_voices_is_taken_off() -> None:
    """A teacher whose embeddings all point the same way teaches their differences."""
    loss = EmbeddingDistillation(EmbeddingDistillationConfig(), HEADS).train()
    voices = F.normalize(torch.randn(4, 6, generator=torch.Generator().manual_seed(0)), dim=-1)
    voices = voices - voices.mean(0)
    for _ in range(20):
        _, figures = loss({"speaker": Output(None, F.normalize(voices, dim=-1))}, batch(), {"voice": Output(None, voices + 50)})
    assert figures["cosine"] > 0.999


def test_a_frame_learns_the_mean_of_the_frames_in_it() -> None:
    fine = torch.randn(4, 20, 5, generator=torch.Generator().manual_seed(0))
    coarse = fine.unflatten(1, (10, 2)).mean(2)
    loss = FrameDistillation(FrameDistillationConfig(), HEADS)
    value, figures = loss({"speaker": Output(None, None, coarse)}, batch(), {"voice": Output(None, None, fine)})
    assert value < 1e-6
    assert figures["explained"] == pytest.approx(1)


def test_likeness_does_not_depend_on_directions() -> None:
    taught = output(1)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(3))).Q
    turned = Output(None, taught.embedding @ turn)
    assert Relational(RelationalConfig(), HEADS)({"speaker": turned}, batch(), {"voice": taught})[0] < 1e-6


def test_a_head_without_an_embedding_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs a head with an embedding, such as use = \"speaker\": \[head.speaker\] has none"):
        Relational(RelationalConfig(), {"speaker": nn.Linear(2, 2)})


def output(seed: int) -> Output:
    """Something a head could say of four clips, their embeddings around zero."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    return Output(2 * drawn(4, 3), F.normalize(drawn(4, 6), dim=-1), drawn(4, 10, 5))


def batch() -> Batch:
    return Batch(torch.zeros(4, 1600), torch.full((4,), 1600), {})
