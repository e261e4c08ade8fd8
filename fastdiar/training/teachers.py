"""The recipe's teachers: what each says of a batch, remembered where a cache is set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import torch
import torch.nn.functional as F
from attrs import field
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fastdiar.core import objectives
from fastdiar.core.errors import ModelError, Problem, RecipeError, TrainingError
from fastdiar.core.files import replacing
from fastdiar.core.interfaces import Output, Teacher, TeacherConfig
from fastdiar.core.types import Batch
from fastdiar.recipe import Recipe
from fastdiar.training import checkpoint

PROBE_STEPS, PROBE_RATE, PROBE_SCALE = 300, 0.05, 20.0
"""Of the optimiser that fits a probe to all training speakers, and what its cosines are multiplied by."""


@attrs.frozen(kw_only=True)
class RunTeacherConfig(TeacherConfig):
    """A run's best network."""

    path: Path = field(metadata={"help": "the run's folder"})
    head: str = field(default="speaker", metadata={"help": "its head that teaches"})


class RunTeacher(Teacher):
    """Another run's network, whose head says logits, embedding and frames. Raises `TrainingError` where there is none."""

    config_class = RunTeacherConfig

    def __init__(self, config: RunTeacherConfig) -> None:
        super().__init__()
        self.network = checkpoint.load_run(config.path)
        self.head = config.head
        if config.head not in self.network.heads:
            raise TrainingError(f"{config.path}: its network has no head '{config.head}', but {', '.join(self.network.heads)}")

    def forward(self, waveform: Tensor, lengths: Tensor) -> Output:
        """`[batch, samples]`, `[batch]` → what the head says, and the frames it judged."""
        return self.network(waveform, lengths)[self.head]


class Teachers(nn.Module):
    """All teachers of a recipe; raises `RecipeError` for one that cannot be used."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.each, self.probes = nn.ModuleDict(), nn.ModuleDict()
        self.caches: dict[str, _Cache] = {}
        self.tasks: dict[str, str] = {}
        for name, part in recipe.teacher.items():
            try:
                self.each[name] = part.build()
            except (ModelError, TrainingError) as error:
                raise RecipeError([Problem(str(error), f"teacher.{name}", recipe.path)]) from None
            if part.config.cache is not None:
                self.caches[name] = _Cache(part.config.cache, repr(part))
            if part.config.probe is not None:
                self.tasks[name] = part.config.probe
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Teachers:
        """Teachers never train."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, batch: Batch) -> dict[str, Output]:
        """What each teacher says of a batch as it was recorded, before any augmentation."""
        said = {}
        for name, teacher in self.each.items():
            output = self.caches[name](teacher, batch) if name in self.caches else teacher(batch.waveform, batch.lengths)
            if name in self.probes:
                output = attrs.evolve(output, logits=self.probes[name](output.embedding))
            said[name] = output
        return said

    def fit(self, batches: Iterable[Batch], classes: Mapping[str, int]) -> None:
        """Fit the probes that recipes ask for to all training clips; `classes` is how many each task has."""
        heard: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in self.tasks}
        for batch in batches:
            for name, output in self(batch).items():
                if name in heard:
                    heard[name].append((objectives.taught(name, "embedding", {name: output}), batch.labels[self.tasks[name]]))
        for name, pairs in heard.items():
            embeddings, labels = (torch.cat(parts) for parts in zip(*pairs, strict=True))
            known = labels >= 0
            self.probes[name] = fit_probe(embeddings[known], labels[known], classes[self.tasks[name]])

    def keep(self, path: Path) -> None:
        """Write the probes, where there are any."""
        if self.probes:
            checkpoint.save_weights(self.probes, path)

    def recall(self, path: Path) -> None:
        """Read back the probes that `keep` wrote; raises `TrainingError`."""
        if self.tasks:
            shapes = {name.partition(".")[0]: tensor.shape for name, tensor in checkpoint.read_weights(path).items()}
            self.probes = nn.ModuleDict({name: Probe(size, classes) for name, (classes, size) in shapes.items()})
            checkpoint.load_weights(self.probes.requires_grad_(False), path)


class Probe(nn.Module):
    """Classes for a teacher that has none: cosines with one direction a class."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(classes, size))

    def forward(self, embedding: Tensor) -> Tensor:
        """`[batch, size]` → `[batch, classes]`."""
        return PROBE_SCALE * F.linear(F.normalize(embedding, dim=-1), F.normalize(self.directions, dim=-1))


def fit_probe(embeddings: Tensor, labels: Tensor, classes: int) -> Probe:
    """A classifier of `embeddings [clips, size]` with `labels [clips]`, fitted to all of them at once."""
    probe = Probe(embeddings.shape[1], classes)
    optimizer = torch.optim.Adam(probe.parameters(), lr=PROBE_RATE)
    with torch.enable_grad():
        for _ in range(PROBE_STEPS):
            optimizer.zero_grad()
            F.cross_entropy(probe(embeddings), labels).backward()
            optimizer.step()
    return probe.requires_grad_(False)


class _Cache:
    """What a teacher said of each clip, one file a clip, called by a digest of the teacher's table and the clip's samples."""

    def __init__(self, folder: Path, teacher: str) -> None:
        self._folder = folder
        self._teacher = teacher.encode()

    def __call__(self, teacher: Teacher, batch: Batch) -> Output:
        """As the teacher itself; it is asked only for clips that are new. Numbers are kept in half precision."""
        paths = [self._path(clip[: int(length)]) for clip, length in zip(batch.waveform, batch.lengths, strict=True)]
        new = [place for place, path in enumerate(paths) if not path.is_file()]
        if new:
            output = teacher(batch.waveform[new], batch.lengths[new])
            for row, place in enumerate(new):
                self._keep(paths[place], {name: tensor[row] for name, tensor in _parts(output).items()})
        return _batched([self._read(path) for path in paths], batch.waveform.device)

    def _path(self, clip: Tensor) -> Path:
        digest = hashlib.blake2b(self._teacher + clip.cpu().numpy().tobytes(), digest_size=16).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:]}.safetensors"

    def _keep(self, path: Path, parts: Mapping[str, Tensor]) -> None:
        with replacing(path) as beside:
            save_file({name: part.half().cpu().contiguous() for name, part in parts.items()}, beside)

    def _read(self, path: Path) -> dict[str, Tensor]:
        return {name: part.float() for name, part in load_file(path).items()}


def _parts(output: Output) -> dict[str, Tensor]:
    return {name: part for name, part in attrs.asdict(output, recurse=False).items() if part is not None}


def _batched(clips: list[dict[str, Tensor]], device: torch.device) -> Output:
    """Clips as one output, zero-padded to the longest."""
    stacked = {name: nn.utils.rnn.pad_sequence([clip[name] for clip in clips], batch_first=True).to(device) for name in clips[0]}
    return Output(stacked.get("logits"), stacked.get("embedding"), stacked.get("frames"))
