"""A network in training: one step, one validation, and what is written after an epoch."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from fastdiar import registry
from fastdiar.core.errors import Problem, RecipeError, TrainingError, needs
from fastdiar.core.types import RATE, Batch
from fastdiar.network import Network, build_network
from fastdiar.recipe import Recipe
from fastdiar.training import checkpoint
from fastdiar.training.checkpoint import BEST, LAST, LOG, Progress
from fastdiar.training.data import CACHE_BYTES, Clips, Corpus, Loaded, loader
from fastdiar.training.sampler import TrainingSampler, middles

LARGEST_GRADIENT = 5.0
"""Gradients are scaled down to this norm, so that one odd batch moves the network no further than others."""
WARM_UP = 0.02
"""Share of all steps over which the learning rate climbs to its peak."""
SAVE_SECONDS = 600.0
"""The state is saved at least this often, so that a power cut costs little."""


class Objective(nn.Module):
    """A network with its losses: batch → the scalar to lower, and figures worth a log line."""

    def __init__(self, network: Network, losses: nn.ModuleDict) -> None:
        super().__init__()
        self.network = network
        self.losses = losses

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The sum of the losses; each loss's figures as `name.figure`, and `loss` for the sum."""
        outputs = self.network(batch.waveform, batch.lengths)
        total, figures = torch.zeros((), device=batch.waveform.device), {}
        for name, loss in self.losses.items():
            value, its_figures = loss(outputs, batch)
            total = total + value
            figures |= {f"{name}.{figure}": number for figure, number in its_figures.items()}
        return total, {"loss": total.item(), **figures}


class Run:
    """Everything that changes while a network learns. All that is random follows from the seed, the epoch and the step."""

    def __init__(self, recipe: Recipe, corpus: Corpus, fabric: Fabric, out: Path, tensorboard: bool = False) -> None:
        self.trainer, self.corpus, self.fabric, self.out = recipe.trainer, corpus, fabric, out
        torch.manual_seed(self.trainer.seed)
        network = build_network(recipe, corpus.labels)
        self.objective = Objective(network, build_losses(recipe, network))
        self.augmentations = [registry.lookup("augmentation", part.use)(part.config) for part in recipe.augment.values()]
        optimizer = torch.optim.AdamW(
            self.objective.parameters(), lr=self.trainer.learning_rate, weight_decay=self.trainer.weight_decay
        )
        self.model, self.optimizer = fabric.setup(self.objective, optimizer)
        parameters = dict(self.objective.named_parameters())
        self._statistics = [tensor for name, tensor in self.objective.state_dict().items() if name not in parameters]
        self.progress = Progress()
        self.sampler = TrainingSampler(corpus.train.speakers, self.trainer, fabric.global_rank, fabric.world_size)
        cache = CACHE_BYTES // (2 * max(1, self.trainer.workers))
        self._clips = {part: Clips(source, cache) for part, source in corpus.parts.items()}
        self._board = _board(out) if tensorboard and fabric.is_global_zero else None
        self._saved = self._epoch_began = time.monotonic()

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.trainer.epochs * len(self.sampler)

    @property
    def step(self) -> int:
        """Steps done."""
        return self.progress.epoch * len(self.sampler) + self.progress.step

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the last `patience` of them brought nothing better."""
        stale = self.progress.epoch - self.progress.best_epoch
        return self.progress.epoch >= self.trainer.epochs or 0 < self.trainer.patience <= stale

    def batches(self) -> Iterator[Loaded]:
        """What is left of the current epoch."""
        self.sampler.epoch, self.sampler.first = self.progress.epoch, self.progress.step
        self._epoch_began = time.monotonic()
        self.model.train()
        return iter(loader(self._clips["train"], self.sampler, self.corpus.labels, self.trainer.workers))

    def learn(self, loaded: Loaded) -> dict[str, float]:
        """Take one step; returns the figures of the epoch so far. A loss or gradient that is not a number changes nothing."""
        progress, figures = self.progress, None
        if loaded.batch is not None:
            figures = self._step_or_nothing(loaded.batch.to(self.fabric.device))
            progress.skipped += figures is None
        progress.unreadable += len(loaded.bad)
        if figures is not None:
            _add(progress.sums, figures, len(loaded.batch.keys))
        progress.step += 1
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self.save()
        return _means(progress.sums)

    def close_epoch(self) -> dict[str, Any]:
        """Validate, keep what is to be kept, and go to the next epoch; returns the epoch's line of the log."""
        progress = self.progress
        trained = self._trained()
        validated = self._validate() if "dev" in self.corpus.parts else {}
        score = self.fabric.broadcast(_score(validated or trained))
        better = progress.best is None or score > progress.best
        progress.epoch += 1
        if better:
            progress.best, progress.best_epoch = score, progress.epoch
        line = {"epoch": progress.epoch, **trained, **{f"dev.{name}": value for name, value in validated.items()}, "best": better}
        line |= {"skipped_steps": progress.skipped, "unreadable": progress.unreadable}
        line |= {"learning_rate": self._learning_rate(), "seconds": round(time.monotonic() - self._epoch_began, 1)}
        progress.step, progress.sums, progress.skipped, progress.unreadable = 0, {}, 0, 0
        if self.fabric.is_global_zero:
            self._keep(line)
        self.save()
        return line

    def save(self) -> None:
        """Write all that `restore` needs."""
        if self.fabric.is_global_zero:
            checkpoint.save_state(self.out / LAST, self.objective, self.optimizer, self.progress)
        self._saved = time.monotonic()

    def restore(self) -> None:
        """Go back to what `save` wrote; log lines of epochs after it go."""
        self.progress = checkpoint.load_state(self.out / LAST, self.objective, self.optimizer)
        if self.fabric.is_global_zero:
            checkpoint.trim_log(self.out, self.progress.epoch)

    def _step_or_nothing(self, batch: Batch) -> dict[str, float] | None:
        """Learn from a batch, or leave everything as it was: the running means of norms too, which listen to every batch."""
        before = [tensor.clone() for tensor in self._statistics]
        figures = self._step(batch)
        if figures is None:
            for tensor, value in zip(self._statistics, before, strict=True):
                tensor.copy_(value)
        return figures

    def _step(self, batch: Batch) -> dict[str, float] | None:
        seed = self._seed()
        torch.manual_seed(seed)
        generator = torch.Generator(self.fabric.device).manual_seed(seed)
        for augmentation in self.augmentations:
            batch = augmentation(batch, generator)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        loss, figures = self.model(batch)
        # All processes step or none does, or they would wait for each other for ever.
        if self.fabric.all_reduce(torch.isfinite(loss).float(), reduce_op="mean") != 1:
            return None
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        gradient = self.fabric.clip_gradients(self.model, self.optimizer, max_norm=LARGEST_GRADIENT, error_if_nonfinite=False)
        # With 16-mixed it is the gradient scaler that passes such a step over, and learns from it.
        if not torch.isfinite(gradient) and self.trainer.precision != "16-mixed":
            return None
        self.optimizer.step()
        return figures

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        """Figures on the middles of the development clips."""
        sums: dict[str, list[float]] = {}
        batches = middles(len(self.corpus.parts["dev"].entries), round(self.trainer.seconds[1] * RATE), self.trainer.batch_size)
        self.objective.eval()
        for loaded in loader(self._clips["dev"], batches, self.corpus.labels, self.trainer.workers):
            self.progress.unreadable += len(loaded.bad)
            if loaded.batch is not None:
                with self.fabric.autocast():
                    _, figures = self.objective(loaded.batch.to(self.fabric.device))
                _add(sums, figures, len(loaded.batch.keys))
        return _means(sums)

    def _trained(self) -> dict[str, float]:
        """The epoch's training figures; raises `TrainingError` where it taught nothing."""
        means = _means(self.progress.sums)
        if not means and self.progress.skipped:
            raise TrainingError("the loss was not a number in any step of the epoch: lower trainer.learning_rate")
        if not means:
            raise TrainingError(f"none of the {self.progress.unreadable} training clips could be read")
        return means

    def _keep(self, line: Mapping[str, Any]) -> None:
        network = self.objective.network
        if line["best"]:
            checkpoint.save_weights(network, self.out / BEST)
        if line["epoch"] % self.trainer.checkpoint_every == 0:
            checkpoint.save_weights(network, self.out / f"epoch-{line['epoch']:03}.safetensors")
        with (self.out / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._board is not None:
            for name, value in line.items():
                self._board.add_scalar(name, value, line["epoch"])
            self._board.flush()

    def _learning_rate(self) -> float:
        warm = max(1.0, WARM_UP * self.steps)
        if self.step < warm:
            return self.trainer.learning_rate * (self.step + 1) / (warm + 1)
        if self.trainer.schedule == "constant":
            return self.trainer.learning_rate
        return self.trainer.learning_rate * (1 + math.cos(math.pi * self.step / self.steps)) / 2

    def _seed(self) -> int:
        place = [self.trainer.seed, self.progress.epoch, self.progress.step, self.fabric.global_rank]
        return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> 1)


def build_losses(recipe: Recipe, network: Network) -> nn.ModuleDict:
    """The recipe's losses for a network's heads; raises `RecipeError` that names the one which does not fit."""
    losses = nn.ModuleDict()
    for name, part in recipe.loss.items():
        try:
            losses[name] = registry.lookup("loss", part.use)(part.config, network.heads)
        except ValueError as error:
            raise RecipeError([Problem(str(error), f"loss.{name}", recipe.path)]) from None
    if not losses:
        message = 'is missing: training needs a loss, such as [loss.speaker] with use = "cross_entropy"'
        raise RecipeError([Problem(message, "loss", recipe.path)])
    return losses


def _add(sums: dict[str, list[float]], figures: Mapping[str, float], clips: int) -> None:
    """Add a batch's figures: for each name the sum over clips, and of how many."""
    for name, value in figures.items():
        total = sums.setdefault(name, [0.0, 0.0])
        total[0] += value * clips
        total[1] += clips


def _means(sums: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: total / clips for name, (total, clips) in sums.items()}


def _score(figures: Mapping[str, float]) -> float:
    """What makes an epoch the best: the first loss's accuracy where there is one, else a low loss."""
    return next((value for name, value in figures.items() if name.endswith(".accuracy")), -figures.get("loss", math.inf))


def _board(out: Path) -> Any:
    with needs("train", "--tensorboard"):
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter(out / "tensorboard")
