"""A recipe's network: encoder → temporal blocks → pooling → heads."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import attrs
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fastdiar.core.errors import ModelError, Problem, RecipeError, nearest
from fastdiar.core.interfaces import Encoder, Head, Output, Pooling, TemporalBlock
from fastdiar.core.layers import frame_mask
from fastdiar.core.types import RATE, Frames
from fastdiar.recipe import Recipe, build_part


class Network(nn.Module):
    """What a recipe describes, as one module. `frames` says what `encode` gives, `embedding` how long a voice's
    vector is, `voice` which head gives it, `turns` which says who is active (None: no head does)."""

    def __init__(
        self,
        encoder: Encoder,
        temporal: Mapping[str, TemporalBlock],
        pooling: Pooling | None,
        heads: Mapping[str, Head],
        labels: Mapping[str, tuple[str, ...]],
    ) -> None:
        """`labels` are the classes of every task, in the order of their numbers; only frame heads go without pooling."""
        super().__init__()
        self.encoder = encoder
        self.temporal = nn.ModuleDict(temporal)
        self.pooling = pooling
        self.heads = nn.ModuleDict(heads)
        self.labels = dict(labels)
        self.frames: Frames = [encoder, *self.temporal.values()][-1].out
        self.voice = next((name for name, head in heads.items() if head.level == "clip" and head.embedding), None)
        self.embedding: int = heads[self.voice].embedding if self.voice else 0
        self.turns = next((name for name, head in heads.items() if head.activity), None)

    def forward(self, waveform: Tensor, lengths: Tensor) -> dict[str, Output]:
        """`[batch, samples]`, `[batch]` in samples → what each head says of the whole clip or of its frames."""
        frames, frame_lengths = self.encode(waveform, lengths)
        inputs = {"frame": (frames, frame_lengths)}
        if self.pooling is not None:
            weights = frame_mask(frame_lengths, frames.shape[1])[:, None].to(frames.dtype)
            inputs["clip"] = (self.pooling(frames[..., : self.frames.voice], weights).squeeze(1),)
        judged = {"frame": frames, "clip": frames[..., : self.frames.voice]}
        return {name: attrs.evolve(head(*inputs[head.level]), frames=judged[head.level]) for name, head in self.heads.items()}

    def encode(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` in samples → `[batch, frames, dim]`, `[batch]` in frames: each second heard once."""
        frames, frame_lengths = self.encoder(waveform, lengths)
        for block in self.temporal.values():
            frames = block(frames, frame_lengths)
        return frames, frame_lengths

    def active(self, frames: Tensor, frame_lengths: Tensor) -> Tensor:
        """Probabilities of who is active, from what `encode` gives: powerset classes `[batch, frames, classes]`.

        Raises `ModelError` where no head tells.
        """
        if self.turns is None:
            raise ModelError('this network has no head that says who is active: add [head.activity] with use = "activity"')
        return self.heads[self.turns](frames, frame_lengths).logits.softmax(-1)

    def embed(self, frames: Tensor, weights: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `[batch, speakers, frames]` ≥ 0 → voices `[batch, speakers, embedding]` of unit length.

        Raises `ModelError` where no head has an embedding.
        """
        if self.voice is None or self.pooling is None:
            raise ModelError('this network has no head with an embedding: add [head.speaker] with use = "speaker"')
        pooled = self.pooling(frames[..., : self.frames.voice], weights)
        return self.heads[self.voice](pooled.flatten(0, 1)).embedding.unflatten(0, pooled.shape[:2])


def build_network(recipe: Recipe, labels: Mapping[str, tuple[str, ...]]) -> Network:
    """The recipe's network, freshly initialised; `labels` are the classes of every task.

    Raises `RecipeError` that names the part which does not fit.
    """
    if recipe.encoder is None:
        raise RecipeError([Problem("is missing: a network needs one", "encoder", recipe.path)])
    encoder = build_part(recipe, "encoder", recipe.encoder)
    frames, temporal = encoder.out, {}
    for name, part in recipe.temporal.items():
        temporal[name] = build_part(recipe, f"temporal.{name}", part, frames)
        frames = temporal[name].out
    pooling = None if recipe.pooling is None else build_part(recipe, "pooling", recipe.pooling, frames.of_voice)
    heads = {}
    for name, part in recipe.head.items():
        task = part.config.task
        if task not in labels:
            message = f"the data has no labels for '{task}'{nearest(task, labels)}"
            raise RecipeError([Problem(message, f"head.{name}.task", recipe.path)])
        judges_clips = part.component.level == "clip"
        if judges_clips and pooling is None:
            raise RecipeError([Problem(f"is missing: [head.{name}] judges whole clips", "pooling", recipe.path)])
        heads[name] = build_part(recipe, f"head.{name}", part, pooling.out if judges_clips else frames, labels[task])
    return Network(encoder, temporal, pooling, heads, labels)


@attrs.frozen
class Cost:
    """What a network takes. `macs` are the multiply-adds of one clip of `seconds`, in every head, convolutions, linear and
    recurrent layers and attention counted; `bytes` is the size of the weights per precision, without the graph around them.
    """

    parameters: int
    macs: int
    seconds: float
    frames_per_second: float
    bytes: dict[str, int]


def cost(network: Network, seconds: float = 3.0) -> Cost:
    """Count on shapes alone: nothing is computed and the network is left as it is."""
    shapes = copy.deepcopy(network).to("meta").eval()
    samples = round(seconds * RATE)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shapes(torch.zeros(1, samples, device="meta"), torch.full((1,), samples, device="meta"))
    numbers = sum(tensor.numel() for tensor in (*network.parameters(), *network.buffers()) if tensor.is_floating_point())
    return Cost(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=counter.get_total_flops() // 2,
        seconds=seconds,
        frames_per_second=RATE / network.frames.hop,
        bytes={"fp32": 4 * numbers, "fp16": 2 * numbers, "int8": numbers},
    )
