"""A recipe's network: the original two to the letter, what each costs, and what it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs fastdiar[train]")
from torch import Tensor, nn

from fastdiar.core.errors import ModelError, RecipeError
from fastdiar.network import Network, build_network, cost
from fastdiar.recipe import read_recipe, recipe_from_table

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
VOXCELEB2 = {"speaker": tuple(f"id{number:05}" for number in range(5994))}
FEW = {"speaker": ("ada", "bo", "cy")}

ENCODERS: dict[str, dict[str, Any]] = {
    "cnn": {"use": "cnn", "channels": [8, 12], "kernels": [5, 3], "pools": [8, 20]},
    "rescnn": {"use": "rescnn", "stem_channels": 8, "stem_stride": 10, "channels": [8, 12], "strides": [2, 2]},
    "melrescnn": {"use": "melrescnn", "mels": 16, "stem_channels": 8, "channels": [8, 12], "strides": [1, 1]},
}


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_of_a_network_builds_and_hears(path: Path) -> None:
    recipe = read_recipe(path)
    if recipe.encoder is None:
        pytest.skip("a recipe without a network")
    network = build_network(recipe, {part.config.task: ("a", "b") for part in recipe.head.values()}).eval()
    outputs = network(noise(2, 4000), torch.tensor([4000, 1000]))
    assert outputs.keys() == recipe.head.keys()
    said = [each for output in outputs.values() for each in (output.logits, output.embedding) if each is not None]
    assert len(said) >= len(outputs) and all(each.isfinite().all() for each in said)


def test_the_owners_baseline_has_the_parameters_that_he_says() -> None:
    network = build_network(read_recipe(RECIPES / "baseline.toml"), VOXCELEB2)
    classes = 129 * len(VOXCELEB2["speaker"])
    assert parameters(network) - classes == pytest.approx(2.3e6, rel=0.02)
    assert list(network.temporal) == []


def test_what_the_owners_enhanced_network_costs() -> None:
    network = build_network(read_recipe(RECIPES / "enhanced.toml"), VOXCELEB2)
    found = cost(network, seconds=0.3)
    assert found.macs == enhanced_macs(frames=150)
    assert enhanced_macs(frames=1500) == pytest.approx(15.7e9, rel=0.01)
    assert found.parameters == parameters(network) == pytest.approx(8.6e6, rel=0.01)
    assert (found.seconds, found.frames_per_second) == (0.3, 500.0)


@pytest.mark.parametrize("name", ["fast", "fast-mel"])
def test_the_fast_networks_keep_their_promise(name: str) -> None:
    recipe = read_recipe(RECIPES / f"{name}.toml")
    found = cost(build_network(recipe, VOXCELEB2), seconds=3.0)
    assert 50 <= found.frames_per_second <= 100
    assert found.macs <= 0.3e9
    assert [part.use for part in recipe.temporal.values()] == ["mhsa", "bigru"]
    assert recipe.pooling is not None and recipe.pooling.use == "attention"


def test_cost_counts_weights_in_every_precision_and_changes_nothing() -> None:
    network = built("rescnn").train()
    running = sum(buffer.numel() for buffer in network.buffers() if buffer.is_floating_point())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = cost(network, seconds=0.1)
    numbers = parameters(network) + running
    assert found.bytes == {"fp32": 4 * numbers, "fp16": 2 * numbers, "int8": numbers}
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("encoder", ENCODERS)
def test_padding_and_neighbours_change_nothing(encoder: str) -> None:
    network, waveform, lengths = built(encoder), noise(3, 9000), [8000, 2900, 400]
    together = network(waveform, torch.tensor(lengths))["speaker"]
    for row, (clip, length) in enumerate(zip(waveform, lengths, strict=True)):
        alone = network(clip[None, :length], torch.tensor([length]))["speaker"]
        torch.testing.assert_close(together.logits[row], alone.logits[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(together.embedding[row], alone.embedding[0], atol=1e-5, rtol=0)


def test_frames_with_weights_are_embedded_as_the_clip_itself() -> None:
    network = built("rescnn")
    waveform, lengths = noise(2, 9000), torch.tensor([9000, 4000])
    frames, counts = network.encode(waveform, lengths)
    weights = torch.zeros(2, 2, frames.shape[1])
    weights[:, 0] = (torch.arange(frames.shape[1]) < counts[:, None]).float()
    weights[:, 1, :3] = 1
    voices = network.embed(frames, weights)
    assert voices.shape == (2, 2, network.embedding)
    torch.testing.assert_close(voices[:, 0], network(waveform, lengths)["speaker"].embedding)
    torch.testing.assert_close(voices.norm(dim=-1), torch.ones(2, 2))
    assert not torch.allclose(voices[:, 0], voices[:, 1], atol=1e-3)


def test_only_what_tells_voices_apart_is_pooled() -> None:
    encoder = {"use": "campplus", "residual": [1, 1], "stride": 2, "layers": [2, 1], "early": True}
    heads = {"speaker": {"use": "speaker", "hidden": [6]}, "activity": {"use": "activity", "hidden": 5}}
    recipe = recipe_from_table({"encoder": encoder, "pooling": {"use": "statistics"}, "head": heads})
    torch.manual_seed(0)
    network = build_network(recipe, FEW | {"activity": ()}).eval()
    waveform, lengths = noise(1, 16000), torch.tensor([16000])
    said = network(waveform, lengths)
    assert (said["speaker"].frames.shape[-1], said["activity"].frames.shape[-1]) == (512, 640)
    frames, counts = network.encode(waveform, lengths)
    other = torch.cat((frames[..., :512], noise(*frames[..., 512:].shape)), dim=-1)
    weights = torch.ones(1, 1, frames.shape[1])
    torch.testing.assert_close(network.embed(other, weights), network.embed(frames, weights))
    assert not torch.allclose(network.active(other, counts), network.active(frames, counts))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temporal": {"attend": {"use": "mhsa", "heads": 5}}}, r"temporal\.attend: 5 heads do not divide frames of 12 numbers"),
        ({"pooling": {}}, r"pooling: is missing: \[head\.speaker\] judges whole clips"),
        (
            {"head": {"speaker": {"use": "speaker", "task": "speakers"}}},
            r"head\.speaker\.task: the data has no labels for 'speakers' \(did you mean 'speaker'\?\)",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(change: dict[str, Any], words: str) -> None:
    recipe = recipe_from_table({name: value for name, value in (table("rescnn") | change).items() if value})
    with pytest.raises(RecipeError, match=words):
        build_network(recipe, FEW)


def test_a_network_without_an_embedding_says_so() -> None:
    network = built("rescnn")
    headless = Network(network.encoder, {}, network.pooling, {}, {})
    with pytest.raises(ModelError, match="no head with an embedding"):
        headless.embed(noise(1, 5, 12), torch.ones(1, 1, 5))


def enhanced_macs(frames: int) -> int:
    """The enhanced network's multiply-adds by hand, for `frames` of 32 samples and VoxCeleb2's speakers."""
    stem = 32 * frames * 64 * 7
    blocks = [
        (64, 128, 4, 2),
        (128, 128, 4, 1),
        (128, 256, 2, 2),
        (256, 256, 2, 1),
        (256, 512, 1, 2),
        (512, 512, 1, 1),
        (512, 512, 1, 1),
    ]
    convolutions = sum(frames * rate * (3 * a * b + 3 * b * b + (a * b if stride > 1 else 0)) for a, b, rate, stride in blocks)
    attention = frames * 4 * 512 * 512 + 2 * frames * frames * 512
    recurrent = 2 * frames * 3 * 256 * (512 + 256)
    pooling = frames * (512 * 128 + 128 + 512)
    head = 512 * 256 + 256 * 128 + 128 * len(VOXCELEB2["speaker"])
    return stem + convolutions + attention + recurrent + pooling + head


def table(encoder: str, pooling: str = "attention") -> dict[str, Any]:
    """A small recipe with every part of the enhanced network."""
    return {
        "encoder": ENCODERS[encoder],
        "temporal": {"attend": {"use": "mhsa"}, "smooth": {"use": "bigru", "hidden": 5}},
        "pooling": {"use": pooling},
        "head": {"speaker": {"use": "speaker", "hidden": [10, 6]}},
    }


def built(encoder: str, pooling: str = "attention") -> Network:
    """Its network, with BatchNorms that have seen something, ready to be judged."""
    torch.manual_seed(0)
    network = build_network(recipe_from_table(table(encoder, pooling)), FEW).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            for value in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(value, 0.5, 1.5)
    return network


def parameters(network: nn.Module) -> int:
    """How many numbers it learns."""
    return sum(parameter.numel() for parameter in network.parameters())


def noise(*shape: int) -> Tensor:
    """Gaussian numbers, the same at every call."""
    return 0.3 * torch.randn(shape, generator=torch.Generator().manual_seed(1))
