"""A network in training: one step, one validation, and what is written after an epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from fastdiar.core.errors import TrainingError, needs
from fastdiar.core.types import Batch
from fastdiar.network import build_network
from fastdiar.recipe import Recipe
from fastdiar.training import checkpoint
from fastdiar.training.beginning import begin_network
from fastdiar.training.checkpoint import BEST, FIRST, LAST, PROBES, Progress
from fastdiar.training.data import Corpus, Loaded
from fastdiar.training.ema import averaged
from fastdiar.training.feed import Feed
from fastdiar.training.figures import add, mean_of, merit
from fastdiar.training.objective import Objective, build_losses, frozen_parts
from fastdiar.training.processes import added_up, agree
from fastdiar.training.sampler import TrainingSampler
from fastdiar.training.schedule import learning_rate
from fastdiar.training.stopwatch import Stopwatch
from fastdiar.training.teachers import Teachers
from fastdiar.training.weights import LearntWeights

SAVE_SECONDS = 600.0
"""The state is saved at least this often, so that a power cut costs little."""
SKIPS_IN_A_ROW = 10
"""Steps without a number after which the run goes back to the last good state, with half the learning rate."""
STAGES = ("data", "forward", "backward")
"""What an epoch's time goes to: waiting for clips; augmentation, network and losses; gradients and the step."""
HALVINGS = 3
"""How often the learning rate is halved before the run gives up."""


class Run:
    """Everything that changes while a network learns. All that is random follows from the seed, the epoch and the step."""

    def __init__(self, recipe: Recipe, corpus: Corpus, fabric: Fabric, out: Path, tensorboard: bool = False) -> None:
        self.trainer, self.corpus, self.fabric, self.out = recipe.trainer, corpus, fabric, out
        torch.manual_seed(self.trainer.seed)
        network = build_network(recipe, corpus.labels)
        weights = LearntWeights(recipe.loss) if self.trainer.task_weights == "learnt" else None
        self.objective = Objective(network, build_losses(recipe, network), weights, frozen_parts(recipe, network))
        self.teachers = Teachers(recipe).to(fabric.device)
        self.augmentations = [part.build() for part in recipe.augment.values()]
        learning = [parameter for parameter in self.objective.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(learning, lr=self.trainer.learning_rate, weight_decay=self.trainer.weight_decay)
        self.model, self.optimizer = fabric.setup(self.objective, optimizer)
        self.average = averaged(self.objective.network, self.trainer.ema) if self.trainer.ema else None
        parameters = dict(self.objective.named_parameters())
        self._statistics = [tensor for name, tensor in self.objective.state_dict().items() if name not in parameters]
        self.progress = Progress()
        self.sampler = TrainingSampler(corpus.train.speakers, self.trainer, fabric.global_rank, fabric.world_size)
        self.feed = Feed(corpus, self.trainer, out, with_turns=network.turns is not None)
        self._board = _board(out) if tensorboard and fabric.is_global_zero else None
        self._streak = 0
        self._saved = time.monotonic()
        self.stopwatch = Stopwatch(*STAGES)

    @property
    def network(self) -> nn.Module:
        """What is validated and kept: the network, or the average of what it was."""
        return self.objective.network if self.average is None else self.average.module

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
        """What is left of the current epoch, or of the one that `learn` went back to."""
        self.stopwatch = Stopwatch(*STAGES)
        self.model.train()
        while True:
            progress = self.progress
            self.sampler.epoch, self.sampler.first = progress.epoch, progress.step
            for loaded in self.stopwatch.waiting("data", self.feed.batches("train", self.sampler)):
                yield loaded
                if self.progress is not progress:
                    break
            else:
                return

    def learn(self, loaded: Loaded) -> dict[str, float]:
        """Take one step; returns the figures of the epoch so far. A loss or gradient that is not a number changes nothing.

        Where steps come to nothing again and again, back to the last good state with half the learning rate; raises
        `TrainingError` where that does not help, or where too many recordings cannot be read.
        """
        progress = self.progress
        progress.unreadable += self.feed.unreadable(loaded)
        # All processes step or none does, or they would wait for each other for ever.
        if self.everywhere(loaded.batch is not None):
            batch = attrs.evolve(loaded.batch.to(self.fabric.device), epoch=self.step / len(self.sampler))
            figures = self._step_or_nothing(batch)
            self._streak = self._streak + 1 if figures is None else 0
            progress.skipped += figures is None
            add(progress.sums, figures or {}, len(loaded.batch.keys))
        progress.step += 1
        ending = progress.step == len(self.sampler)
        if self._streak >= min(SKIPS_IN_A_ROW, len(self.sampler)) or (ending and not self._sound()):
            self._go_back()
        elif time.monotonic() - self._saved > SAVE_SECONDS:
            self.save()
        return mean_of(self.progress.sums)

    def close_epoch(self) -> dict[str, Any]:
        """Validate, keep what is to be kept, and go to the next epoch; returns the epoch's line of the log."""
        progress = self.progress
        trained = self._trained()
        agree((*self._statistics, *self.network.buffers()), self.fabric)
        validated = self._validate() if "dev" in self.corpus.parts else {}
        score = merit(validated or trained)
        better = not self._streak and (progress.best is None or score > progress.best)
        rate = self._learning_rate(self.step - 1)
        progress.epoch += 1
        if better:
            progress.best, progress.best_epoch = score, progress.epoch
        line = {"epoch": progress.epoch, **trained, **{f"dev.{name}": value for name, value in validated.items()}, "best": better}
        unreadable = self.fabric.all_reduce(torch.tensor(float(progress.unreadable), device=self.fabric.device), reduce_op="sum")
        line |= {"skipped_steps": progress.skipped, "unreadable": int(unreadable)}
        line |= {"learning_rate": rate, "seconds": round(self.stopwatch.total, 1)}
        line |= {f"{kind}_seconds": round(seconds, 1) for kind, seconds in self.stopwatch.seconds.items()}
        line |= {"device": _device(self.fabric)}
        progress.step, progress.sums, progress.skipped, progress.unreadable = 0, {}, 0, 0
        if self.fabric.is_global_zero:
            self._keep(line)
        self.save()
        return line

    def save(self) -> None:
        """Write all that `restore` needs, but never what led to a loss that is no number."""
        if self.fabric.is_global_zero and not self._streak and self._sound():
            self.progress.scaler = self.fabric.strategy.precision.state_dict()
            checkpoint.save_state(self.out / LAST, self._modules, self.optimizer, self.progress)
        self._saved = time.monotonic()

    def begin(self) -> None:
        """What a new run does before its first step: weights from elsewhere, and probes for teachers without classes."""
        network = self.objective.network
        begin_network(network, self.trainer.start, self.batches(), self.fabric.device)
        if self.teachers.tasks:
            self.teachers.fit(self._middles("train", 0, 1), {task: len(names) for task, names in self.corpus.labels.items()})
        agree(self.objective.state_dict().values(), self.fabric)
        if self.average is not None:
            self.average.module.load_state_dict(network.state_dict())
        if self.fabric.is_global_zero:
            self.teachers.keep(self.out / PROBES)
            checkpoint.save_weights(network, self.out / FIRST)
        self.save()

    def restore(self) -> None:
        """Go back to what `save` wrote; log lines of epochs after it go."""
        self.progress = checkpoint.load_state(self.out / LAST, self._modules, self.optimizer)
        if self.progress.scaler:
            self.fabric.strategy.precision.load_state_dict(self.progress.scaler)
        self.teachers.recall(self.out / PROBES)
        self._streak = 0
        if self.fabric.is_global_zero:
            checkpoint.trim_log(self.out, self.progress.epoch)
        else:  # what the first process has summed up counts once
            self.progress.sums, self.progress.unreadable = {}, 0

    def everywhere(self, condition: Tensor | bool) -> bool:
        """Whether it holds in all processes."""
        value = torch.as_tensor(condition, dtype=torch.float32, device=self.fabric.device)
        return bool(self.fabric.all_reduce(value, reduce_op="mean") == 1)

    @property
    def _modules(self) -> dict[str, nn.Module]:
        return {"module": self.objective} | ({} if self.average is None else {"average": self.average})

    def _go_back(self) -> None:
        """Back to the last good state, with half the learning rate; raises `TrainingError` where that was tried too often."""
        halvings = self.progress.halvings + 1
        if halvings > HALVINGS:
            raise TrainingError(
                f"{self.out}: the loss is no number again and again, even with an eighth of the learning rate: lower "
                f"trainer.learning_rate; {LAST} holds the last good state"
            )
        self.restore()
        self.progress.halvings = halvings
        self.save()

    def _sound(self) -> bool:
        """Whether every weight is a number."""
        return all(bool(tensor.isfinite().all()) for tensor in self.objective.state_dict().values())

    def _step_or_nothing(self, batch: Batch) -> dict[str, float] | None:
        """Learn from a batch, or leave everything as it was: the running means of norms too, which listen to every batch."""
        before = [tensor.clone() for tensor in self._statistics]
        figures = self._step(batch)
        if figures is None:
            for tensor, value in zip(self._statistics, before, strict=True):
                tensor.copy_(value)
        elif self.average is not None:
            self.average.update_parameters(self.objective.network)
        return figures

    def _step(self, recorded: Batch) -> dict[str, float] | None:
        with self.stopwatch.running("forward"):
            batch = self._augmented(recorded)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate(self.step)
        self.optimizer.zero_grad()
        parts = batch.split(self.trainer.accumulate)
        sums: dict[str, list[float]] = {}
        for part, clean in zip(parts, recorded.split(self.trainer.accumulate), strict=True):
            with self.fabric.no_backward_sync(self.model, enabled=part is not parts[-1]):
                with self.stopwatch.running("forward"):
                    loss, figures = self.model(part, self.teachers(clean))
                with self.stopwatch.running("backward"):
                    self.fabric.backward(loss * (len(part.keys) / len(batch.keys)))
            add(sums, figures, len(part.keys))
        figures = mean_of(sums)
        with self.stopwatch.running("backward"):
            return figures if self._stepped(figures["loss"]) else None

    def _stepped(self, loss: float) -> bool:
        """Move the weights; False where the loss or its gradient is no number, and nothing moved."""
        largest = self.trainer.gradient_clip or math.inf
        gradient = self.fabric.clip_gradients(self.model, self.optimizer, max_norm=largest, error_if_nonfinite=False)
        sound = self.everywhere(gradient.isfinite() & math.isfinite(loss))
        # With 16-mixed it is the gradient scaler that passes such a step over, and learns from it.
        if sound or self.trainer.precision == "16-mixed":
            self.optimizer.step()
        return sound

    def _augmented(self, batch: Batch) -> Batch:
        seed = self._seed()
        torch.manual_seed(seed)
        generator = torch.Generator(self.fabric.device).manual_seed(seed)
        for augmentation in self.augmentations:
            batch = augmentation(batch, generator)
        return batch

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        """Figures on the middles of the development clips."""
        sums: dict[str, list[float]] = {}
        self.objective.eval()
        for batch in self._middles("dev", self.fabric.global_rank, self.fabric.world_size):
            teacher = self.teachers(batch)
            with self.fabric.autocast():
                _, figures = self.objective.judge(self.network, batch, teacher)
            add(sums, figures, len(batch.keys))
        return self._figures(sums)

    def _figures(self, sums: dict[str, list[float]]) -> dict[str, float]:
        """All processes' means, in the order of the recipe's losses, whichever was heard first: the first accuracy counts."""
        names = ["loss", *self.objective.losses]
        means = mean_of(added_up(sums, self.fabric))
        return dict(sorted(means.items(), key=lambda figure: names.index(figure[0].partition(".")[0])))

    def _middles(self, part: str, rank: int, processes: int) -> Iterator[Batch]:
        """The middles of all clips of a part of the data, in order, or of one process's share of them."""
        for loaded in self.feed.middles(part, rank, processes):
            self.progress.unreadable += self.feed.unreadable(loaded)
            if loaded.batch is not None:
                yield loaded.batch.to(self.fabric.device)

    def _trained(self) -> dict[str, float]:
        """The epoch's training figures; raises `TrainingError` where it taught nothing."""
        means = self._figures(self.progress.sums)
        if not means:
            raise TrainingError(
                f"the epoch taught nothing: {self.progress.unreadable} clips could not be read, in {self.progress.skipped} steps "
                "the loss was no number"
            )
        return means

    def _keep(self, line: Mapping[str, Any]) -> None:
        if line["best"]:
            checkpoint.save_weights(self.network, self.out / BEST)
        if line["epoch"] % self.trainer.checkpoint_every == 0:
            checkpoint.save_weights(self.network, self.out / f"epoch-{line['epoch']:03}.safetensors")
        checkpoint.add_to_log(self.out, line)
        if self._board is not None:
            for name, value in line.items():
                if not isinstance(value, str):
                    self._board.add_scalar(name, value, line["epoch"])
            self._board.flush()

    def _learning_rate(self, step: int) -> float:
        return learning_rate(self.trainer, step, self.steps) / 2**self.progress.halvings

    def _seed(self) -> int:
        place = [self.trainer.seed, self.progress.epoch, self.progress.step, self.fabric.global_rank]
        return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> 1)


def _device(fabric: Fabric) -> str:
    """What is trained on, in words: which device, and how many."""
    name = torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else fabric.device.type
    return name if fabric.world_size == 1 else f"{fabric.world_size} × {name}"


def _board(out: Path) -> Any:
    with needs("train", "--tensorboard"):
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter(out / "tensorboard")
