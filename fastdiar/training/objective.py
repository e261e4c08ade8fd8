"""What is lowered: a network together with the recipe's losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fastdiar.core.errors import Problem, RecipeError
from fastdiar.core.interfaces import Output
from fastdiar.core.types import Batch
from fastdiar.network import Network
from fastdiar.recipe import Recipe, build_part
from fastdiar.training.weights import LearntWeights


class Objective(nn.Module):
    """A network with its losses: batch → the scalar to lower, and figures worth a log line."""

    def __init__(
        self, network: Network, losses: nn.ModuleDict, weights: LearntWeights | None = None, frozen: Sequence[nn.Module] = ()
    ) -> None:
        """`frozen` are parts of the network that stay as they are: no gradient, no dropout, no running mean changes them."""
        super().__init__()
        self.network = network
        self.losses = losses
        self.weights = weights
        self._frozen = tuple(part.requires_grad_(False).eval() for part in frozen)

    def train(self, mode: bool = True) -> Objective:
        """As any module's, but for the frozen parts."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def forward(self, batch: Batch, teacher: Mapping[str, Output]) -> tuple[Tensor, dict[str, float]]:
        """The sum of the losses; each loss's figures as `name.figure`, and `loss` for the sum."""
        return self.judge(self.network, batch, teacher)

    def judge(self, network: nn.Module, batch: Batch, teacher: Mapping[str, Output]) -> tuple[Tensor, dict[str, float]]:
        """The same for another network of the same shape."""
        outputs = network(batch.waveform, batch.lengths)
        total, figures = torch.zeros((), device=batch.waveform.device), {}
        for name, loss in self.losses.items():
            value, its_figures = loss(outputs, batch, teacher)
            figures |= {f"{name}.{figure}": number for figure, number in its_figures.items()}
            if self.weights is not None:
                value = self.weights(name, value)
                figures[f"{name}.weight"] = self.weights.weight(name)
            total = total + value
        return total, {"loss": total.item(), **figures}


def build_losses(recipe: Recipe, network: Network) -> nn.ModuleDict:
    """The recipe's losses for a network's heads; raises `RecipeError` that names the one which does not fit."""
    losses = {name: build_part(recipe, f"loss.{name}", part, network.heads) for name, part in recipe.loss.items()}
    if not losses:
        message = 'is missing: training needs a loss, such as [loss.speaker] with use = "cross_entropy"'
        raise RecipeError([Problem(message, "loss", recipe.path)])
    return nn.ModuleDict(losses)


def frozen_parts(recipe: Recipe, network: Network) -> list[nn.Module]:
    """The parts of a network that `trainer.freeze` names; raises `RecipeError` where no weight is left to learn."""
    parts = {"encoder": network.encoder, **{f"temporal.{name}": block for name, block in network.temporal.items()}}
    parts |= {} if network.pooling is None else {"pooling": network.pooling}
    parts |= {f"head.{name}": head for name, head in network.heads.items()}
    if not any(True for name in parts.keys() - set(recipe.trainer.freeze) for _ in parts[name].parameters()):
        raise RecipeError([Problem("leaves nothing to learn: take a part out", "trainer.freeze", recipe.path)])
    return [parts[name] for name in recipe.trainer.freeze]
