"""At most one change for each clip, of several that a recipe names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import torch
from attrs import field
from torch import Tensor

from fastdiar.core import checks, draws
from fastdiar.core.component import Part
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.types import Batch

ROUNDING = 1e-6
"""How far above 1 probabilities may sum up, since thirds are no round numbers."""


@attrs.frozen
class OneOfConfig:
    """Which changes, how often."""

    choices: dict[str, Part] = field(
        metadata={
            "help": "named augmentations; the probability of each is the share of clips it changes",
            "kind": "augmentation",
        },
    )
    probability: float = field(
        default=1.0, validator=checks.share, metadata={"help": "share of clips that the choices' probabilities are about"}
    )

    @choices.validator
    def _exclusive(self, attribute: attrs.Attribute[Any], value: dict[str, Part]) -> None:
        if not value:
            raise ValueError("must name at least one augmentation")
        for name, part in value.items():
            if not hasattr(part.config, "probability"):
                raise ValueError(f"'{name}': the augmentation '{part.use}' has no key 'probability', which one_of chooses by")
        total = sum(part.config.probability for part in value.values())
        if total > 1 + ROUNDING:
            raise ValueError(f"the probabilities of {', '.join(value)} sum to {total:g}: they must be 1 or less together")


class OneOf(Augmentation):
    """Changes each clip by one of its choices or by none, as likely as their probabilities say; what is left to 1 is none.

    Draws for each choice `NAME.clips`, the numbers of the clips it changes, and `NAME.KEY`, what the choice draws for them.
    A choice gets its clips as a batch of their own, and the whole batch where it needs others to change them.
    """

    config_class = OneOfConfig

    def __init__(self, config: OneOfConfig) -> None:
        super().__init__(config)
        always = {
            name: attrs.evolve(part, config=attrs.evolve(part.config, probability=1.0)) for name, part in config.choices.items()
        }
        self.choices: dict[str, Augmentation] = {name: part.build() for name, part in always.items()}

    def draw(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """`NAME.clips` int64 `[chosen]`, and what each choice draws."""
        place = draws.uniform(0, 1, len(batch.lengths), generator).to(batch.waveform.device)
        drawn, low = {}, 0.0
        for name, part in self.config.choices.items():
            high = low + self.config.probability * part.config.probability
            clips = ((place >= low) & (place < high)).nonzero()[:, 0]
            low = high
            if len(clips):
                inner = _drawn(self.choices[name], batch, clips, generator)
                drawn |= {f"{name}.clips": clips, **{f"{name}.{key}": values for key, values in inner.items()}}
        return drawn

    def apply(self, batch: Batch, drawn: Mapping[str, Tensor]) -> Batch:
        """The batch with each clip changed by its choice."""
        for name, choice in self.choices.items():
            if f"{name}.clips" in drawn:
                clips = drawn[f"{name}.clips"]
                inner = {key.removeprefix(f"{name}."): values for key, values in drawn.items() if key.startswith(f"{name}.")}
                batch = _with(batch, clips, _changed(choice, batch, clips, inner))
        return batch


def _drawn(choice: Augmentation, batch: Batch, clips: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """What a choice draws for some clips of the batch."""
    if choice.hears_others:
        return {key: values[clips] for key, values in choice.draw(batch, generator).items()}
    return choice.draw(batch.take(clips.tolist()), generator)


def _changed(choice: Augmentation, batch: Batch, clips: Tensor, drawn: Mapping[str, Tensor]) -> Batch:
    """Some clips of the batch as a choice changes them."""
    if not choice.hears_others:
        return choice.apply(batch.take(clips.tolist()), drawn)
    rows = {key: values.new_zeros(len(batch.lengths), *values.shape[1:]) for key, values in drawn.items()}
    everyones = {key: zeros.index_copy(0, clips, drawn[key]) for key, zeros in rows.items()}
    return choice.apply(batch, everyones).take(clips.tolist())


def _with(batch: Batch, clips: Tensor, changed: Batch) -> Batch:
    """`batch` with the clips of these numbers as they were `changed`."""
    activity = batch.activity
    if activity is not None and changed.activity is not None:
        activity = activity.index_copy(0, clips, changed.activity)
    return attrs.evolve(
        batch,
        waveform=batch.waveform.index_copy(0, clips, changed.waveform),
        lengths=batch.lengths.index_copy(0, clips, changed.lengths),
        activity=activity,
    )
