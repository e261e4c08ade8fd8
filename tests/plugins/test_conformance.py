"""What every component of a kind promises, held for all that are registered."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest
import torch
from torch import Tensor, nn

from fastdiar import registry
from fastdiar.core.component import Part
from fastdiar.core.interfaces import Augmentation, Encoder, Loss, Output, Pooling, TemporalBlock
from fastdiar.core.types import Batch, Frames
from fastdiar.plugins.augmentations.gain import Gain, GainConfig

FRAMES = Frames(dim=24, hop=320.0, first=79.5)
LABELS = ("ada", "bo", "cy")

TAUGHT = ("distillation", "embedding_distillation", "frame_distillation", "powerset", "relational")
"""Losses that learn from a teacher or from turns, and not from labels."""

LEAST = {"supcon": math.log(3)}
"""What a loss cannot fall below, where that is not 0: each of a clip's three partners gets a third of its attention."""

encoders = pytest.mark.parametrize("name", registry.names("encoder"))
blocks = pytest.mark.parametrize("name", registry.names("temporal"))
poolings = pytest.mark.parametrize("name", registry.names("pooling"))
clip_heads = pytest.mark.parametrize(
    "name", [name for name in registry.names("head") if registry.lookup("head", name).level == "clip"]
)
losses = pytest.mark.parametrize("name", [name for name in registry.names("loss") if name not in TAUGHT])
augmentations = pytest.mark.parametrize("name", registry.names("augmentation"))
networks = pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in ("encoder", "temporal", "pooling", "head") for name in registry.names(kind)]
)

NEEDED = {"one_of": {"choices": {"level": Part("gain", GainConfig(probability=1.0), Gain)}}}
"""What an augmentation's config needs to be told."""
OTHER_PACE = ("speed", "time_stretch")
"""Augmentations that change how long a clip lasts."""


@networks
def test_config_explains_every_key(kind: str, name: str) -> None:
    fields = attrs.fields(registry.lookup(kind, name).config_class)
    assert [field.name for field in fields if not field.metadata.get("help")] == []


@networks
def test_gradients_reach_every_parameter(kind: str, name: str) -> None:
    module = build(kind, name).train()
    if not list(module.parameters()):
        pytest.skip("has no parameters")
    loss = sum((output * noise(*output.shape, seed=9)).sum() for output in outputs(kind, module))
    loss.backward()
    idle = [key for key, value in module.named_parameters() if value.grad is None or not value.grad.any()]
    assert idle == []
    assert all(value.grad.isfinite().all() for value in module.parameters())


@networks
def test_evaluation_draws_no_random_number_and_repeats_itself(kind: str, name: str) -> None:
    module = build(kind, name)
    before = torch.get_rng_state()
    first, second = outputs(kind, module), outputs(kind, module)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@networks
def test_half_precision_comes_close(kind: str, name: str) -> None:
    module = build(kind, name)
    exact = outputs(kind, module)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = outputs(kind, module)
    for one, other in zip(exact, rough, strict=True):
        assert (one - other.float()).norm() < 0.05 * one.norm()


@encoders
def test_encoder_says_what_it_gives(name: str) -> None:
    encoder: Encoder = build("encoder", name)
    lengths = torch.tensor([4801, 1, 1600])
    frames, counts = encoder(noise(3, 4801), lengths)
    assert counts.tolist() == [-(-length // int(encoder.out.hop)) for length in lengths.tolist()]
    assert counts.dtype == torch.int64
    assert frames.shape == (3, counts[0], encoder.out.dim)
    assert all(not frame[count:].any() and frame[:count].any() for frame, count in zip(frames, counts, strict=True))


@encoders
@pytest.mark.parametrize("count", [3, 6])
def test_encoder_knows_where_its_frames_are(name: str, count: int) -> None:
    """A clip that frames lie symmetrically on, heard backwards by the mirrored network, gives the frames backwards."""
    encoder: Encoder = build("encoder", name)
    ends = 2 * encoder.out.first + 1
    assert ends == int(ends)
    samples = int(ends) + (count - 1) * int(encoder.out.hop)
    waveform, lengths = noise(1, samples), torch.tensor([samples])
    frames, counts = encoder(waveform, lengths)
    assert counts.tolist() == [count]
    mirrored, _ = mirror(encoder)(waveform.flip(1), lengths)
    # Kaldi's pre-emphasis looks one way only; a frame in the wrong place would differ by its own size.
    torch.testing.assert_close(mirrored.flip(1), frames, rtol=0, atol=1e-3 * frames.abs().max().item())


@encoders
def test_encoder_ignores_padding_and_neighbours(name: str) -> None:
    encoder: Encoder = build("encoder", name)
    lengths = torch.tensor([4800, 1703, 1])
    waveform = noise(3, 6000)
    together, counts = encoder(waveform, lengths)
    for clip, length, frames, count in zip(waveform, lengths.tolist(), together, counts.tolist(), strict=True):
        alone, _ = encoder(clip[None, :length], torch.tensor([length]))
        assert_close(frames[:count], alone[0])


@blocks
def test_block_says_what_it_gives(name: str) -> None:
    block: TemporalBlock = build("temporal", name)
    given = block(noise(3, 20, FRAMES.dim), torch.tensor([20, 7, 1]))
    assert given.shape == (3, 20, block.out.dim)
    assert (block.out.hop, block.out.first) == (FRAMES.hop, FRAMES.first)
    assert not given[1, 7:].any() and not given[2, 1:].any()


@blocks
def test_block_ignores_padding_and_neighbours(name: str) -> None:
    block: TemporalBlock = build("temporal", name)
    frames, lengths = noise(3, 25, FRAMES.dim), [20, 7, 1]
    together = block(frames, torch.tensor(lengths))
    for clip, length, given in zip(frames, lengths, together, strict=True):
        assert_close(given[:length], block(clip[None, :length], torch.tensor([length]))[0])


@blocks
def test_block_takes_a_clip_without_frames(name: str) -> None:
    block: TemporalBlock = build("temporal", name)
    assert not block(noise(2, 5, FRAMES.dim), torch.tensor([5, 0]))[1].any()


@poolings
def test_pooling_hears_only_frames_with_weight(name: str) -> None:
    pooling: Pooling = build("pooling", name)
    frames, weights = noise(2, 12, FRAMES.dim), positive(2, 3, 12)
    weights[..., 8:] = 0
    pooled = pooling(frames, weights)
    assert pooled.shape == (2, 3, pooling.out)
    assert_close(pooling(frames[:, :8], weights[..., :8]), pooled)
    assert_close(pooling(torch.cat((frames[:, :8], frames[:, 8:] + 50), 1), weights), pooled)


@poolings
def test_pooling_treats_speakers_apart_and_weights_as_shares(name: str) -> None:
    pooling: Pooling = build("pooling", name)
    frames, weights = noise(2, 12, FRAMES.dim), positive(2, 3, 12)
    pooled = pooling(frames, weights)
    assert_close(pooling(frames, weights[:, 1:2]), pooled[:, 1:2])
    assert_close(pooling(frames, weights * 0.01), pooled)
    assert not torch.allclose(pooled[:, 0], pooled[:, 1], atol=1e-3)


@poolings
def test_pooling_without_any_weight_gives_numbers(name: str) -> None:
    pooling: Pooling = build("pooling", name)
    frames = noise(1, 6, FRAMES.dim).requires_grad_()
    pooled = pooling(frames, torch.zeros(1, 2, 6))
    pooled.sum().backward()
    assert pooled.isfinite().all() and frames.grad.isfinite().all()


@clip_heads
def test_head_says_what_it_gives(name: str) -> None:
    head = build("head", name)
    output: Output = head(noise(4, FRAMES.dim))
    assert output.logits.shape == (4, len(LABELS))
    assert (output.embedding is not None) == bool(head.embedding)
    if output.embedding is not None:
        assert output.embedding.shape == (4, head.embedding)
        assert_close(output.embedding.norm(dim=-1), torch.ones(4))


@losses
def test_loss_leaves_unknown_labels_out(name: str) -> None:
    loss, head = build_loss(name)
    x = noise(5, FRAMES.dim)
    known = torch.tensor([0, 2, 4])
    labels = torch.tensor([1, -1, 0, -1, 2])
    some, figures = loss({"speaker": head(x)}, labelled(labels))
    only, same = loss({"speaker": head(x[known])}, labelled(labels[known]))
    assert some.shape == ()
    assert_close(some, only)
    assert figures == pytest.approx(same)


@losses
def test_loss_of_a_batch_without_labels_is_zero_with_a_gradient(name: str) -> None:
    loss, head = build_loss(name)
    value, figures = loss({"speaker": head(noise(2, FRAMES.dim))}, labelled(torch.tensor([-1, -1])))
    value.backward()
    assert value.item() == 0
    assert figures == {}
    gradients = [parameter.grad for parameter in head.parameters() if parameter.grad is not None]
    assert gradients and not any(gradient.any() for gradient in gradients)


@losses
def test_loss_falls_when_a_head_follows_it(name: str) -> None:
    loss, head = build_loss(name)
    x, batch = noise(12, FRAMES.dim), labelled(torch.arange(12) % 3)
    optimizer = torch.optim.Adam(head.parameters(), 1e-2)
    values = []
    for _ in range(60):
        value, figures = loss({"speaker": head(x)}, batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    least = LEAST.get(name, 0)
    assert least <= values[-1] < least + 0.1 * (values[0] - least)
    assert list(figures.values()) == [1]


@augmentations
def test_augmentation_draws_from_its_generator_alone(name: str) -> None:
    augment: Augmentation = build("augmentation", name)
    before = torch.get_rng_state()
    one, same, other = (augment(clips(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.waveform, same.waveform)
    assert not torch.equal(one.waveform, other.waveform)


@augmentations
def test_augmentation_replays_what_was_drawn(name: str) -> None:
    augment: Augmentation = build("augmentation", name)
    drawn = augment.draw(clips(), torch.Generator().manual_seed(3))
    assert torch.equal(augment.apply(clips(), drawn).waveform, augment.apply(clips(), drawn).waveform)
    assert torch.equal(augment.apply(clips(), drawn).waveform, augment(clips(), torch.Generator().manual_seed(3)).waveform)


@augmentations
def test_augmentation_changes_sound_and_nothing_else(name: str) -> None:
    augment: Augmentation = build("augmentation", name)
    batch, untouched = clips(), clips()
    changed = augment(batch, torch.Generator().manual_seed(4))
    assert torch.equal(batch.waveform, untouched.waveform) and torch.equal(batch.lengths, untouched.lengths)
    assert changed.waveform.shape == batch.waveform.shape and changed.waveform.dtype == torch.float32
    assert changed.waveform.isfinite().all()
    assert all(not clip[length:].any() for clip, length in zip(changed.waveform, changed.lengths, strict=True))
    assert changed.lengths.dtype == torch.int64 and changed.lengths.max() <= batch.waveform.shape[1]
    assert torch.equal(changed.lengths, batch.lengths) or name in OTHER_PACE
    assert torch.equal(changed.labels["speaker"], batch.labels["speaker"]) and changed.keys == batch.keys


@augmentations
def test_augmentation_ignores_padding(name: str) -> None:
    augment: Augmentation = build("augmentation", name)
    drawn = augment.draw(clips(), torch.Generator().manual_seed(6))
    if any(values.ndim > 1 and values.shape[-1] == 4000 for values in drawn.values()):
        pytest.skip("draws as many samples as the batch has")
    batch = clips()
    longer = attrs.evolve(batch, waveform=torch.nn.functional.pad(batch.waveform, (0, 2000)))
    changed, same = augment.apply(batch, drawn), augment.apply(longer, drawn)
    for one, other, length in zip(changed.waveform, same.waveform, changed.lengths, strict=True):
        assert_close(other[:length], one[:length])


@augmentations
def test_augmentation_takes_half_precision_and_gives_it_back(name: str) -> None:
    augment: Augmentation = build("augmentation", name)
    batch = clips()
    drawn = augment.draw(batch, torch.Generator().manual_seed(7))
    half = augment.apply(attrs.evolve(batch, waveform=batch.waveform.bfloat16()), drawn).waveform
    assert half.dtype == torch.bfloat16
    exact = augment.apply(attrs.evolve(batch, waveform=batch.waveform.bfloat16().float()), drawn).waveform
    assert (half.float() - exact).norm() < 0.02 * exact.norm()


@augmentations
def test_augmentation_leaves_the_other_clips_alone(name: str) -> None:
    never = build("augmentation", name, probability=0.0)
    assert torch.equal(never(clips(), torch.Generator().manual_seed(5)).waveform, clips().waveform)


@augmentations
def test_augmentation_of_some_clips_leaves_those_beside_them_alone(name: str) -> None:
    augment: Augmentation = build("augmentation", name, probability=0.5)
    batch = Batch(noise(24, 2000), torch.full((24,), 2000), {"speaker": torch.arange(24)}, tuple(map(str, range(24))))
    changed = augment(batch, torch.Generator().manual_seed(8)).waveform
    same = [torch.equal(one, other) for one, other in zip(changed, batch.waveform, strict=True)]
    assert 4 < sum(same) < 20


def build(kind: str, name: str, probability: float = 1.0) -> Any:
    """A component with its default config, ready to be judged: augmentations with their probability, BatchNorms not empty."""
    component = registry.lookup(kind, name)
    torch.manual_seed(0)
    if kind == "augmentation":
        return component(component.config_class(probability=probability, **NEEDED.get(name, {})))
    inputs = {"encoder": (), "temporal": (FRAMES,), "pooling": (FRAMES,), "head": (_judged(component), LABELS)}[kind]
    module = component(component.config_class(), *inputs).eval()
    for each in module.modules():
        if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d):
            for value in (each.weight, each.bias, each.running_mean, each.running_var):
                nn.init.uniform_(value, 0.5, 1.5)
    return module


def build_loss(name: str) -> tuple[Loss, nn.Module]:
    """A loss, and the head it judges: one that suits every loss."""
    torch.manual_seed(0)
    speaker = registry.lookup("head", "speaker")
    head = speaker(speaker.config_class(classifier="cosine", dropout=0.0), FRAMES.dim, LABELS)
    component = registry.lookup("loss", name)
    return component(component.config_class(), {"speaker": head}), head


def outputs(kind: str, module: nn.Module) -> list[Tensor]:
    """What a module makes of an example of its kind."""
    if kind == "encoder":
        return [module(noise(2, 2400), torch.tensor([2400, 1200]))[0]]
    if kind == "temporal":
        return [module(noise(2, 9, FRAMES.dim), torch.tensor([9, 4]))]
    if kind == "pooling":
        return [module(noise(2, 9, FRAMES.dim), positive(2, 3, 9))]
    frames = module.level == "frame"
    output = module(noise(2, 9, FRAMES.dim), torch.tensor([9, 4])) if frames else module(noise(6, FRAMES.dim))
    return [each for each in (output.logits, output.embedding) if each is not None]


def _judged(component: Any) -> Any:
    """What a head is told of its input; other kinds have no level."""
    return FRAMES if getattr(component, "level", "clip") == "frame" else FRAMES.dim


def mirror(encoder: Encoder) -> Encoder:
    """The encoder with every kernel turned round in time."""
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.ndim >= 3:
                parameter.copy_(parameter.flip(-1))
    return encoder


def clips() -> Batch:
    """Two clips, the second shorter than the batch."""
    waveform = noise(2, 4000)
    waveform[1, 3000:] = 0
    return Batch(waveform, torch.tensor([4000, 3000]), {"speaker": torch.tensor([0, 1])}, ("a", "b"))


def labelled(labels: Tensor) -> Batch:
    """A batch of which only the labels matter."""
    return Batch(torch.zeros(len(labels), 1), torch.ones(len(labels)).long(), {"speaker": labels})


def noise(*shape: int, seed: int = 1) -> Tensor:
    """Gaussian numbers, the same at every call."""
    return 0.3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def positive(*shape: int) -> Tensor:
    """Weights between 0 and 1, the same at every call."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(2))


def assert_close(one: Tensor, other: Tensor) -> None:
    """Equal to 1e-5 of the largest number, or of 1 where that is less."""
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5 * max(1.0, other.abs().max().item()))
