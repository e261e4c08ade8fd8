"""A teacher in an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np
import torch
from attrs import field, validators
from torch import Tensor

from fastdiar.core.errors import TrainingError, nearest, needs
from fastdiar.core.interfaces import Output, Teacher, TeacherConfig
from fastdiar.core.types import RATE

OUTPUTS = ("logits", "embedding", "frames")


@attrs.frozen(kw_only=True)
class OnnxTeacherConfig(TeacherConfig):
    """A file with one sound input, and the names of what it gives: outputs, or tensors on the way to them."""

    path: Path = field(metadata={"help": "the ONNX file; data outside of it is not read"})
    features: Literal["waveform", "fbank"] = field(
        default="waveform",
        metadata={"help": "what it hears: samples, or Kaldi's filterbank of 80 bands, its mean over the clip taken off"},
    )
    logits: str | None = field(default=None, metadata={"help": "name of the tensor [batch, classes] or [batch, frames, classes]"})
    embedding: str | None = field(default=None, metadata={"help": "name of the tensor [batch, size]"})
    frames: str | None = field(default=None, metadata={"help": "name of the tensor [batch, frames, size]"})
    frames_last: bool = field(default=False, metadata={"help": "`frames` is [batch, size, frames]"})
    threads: int = field(default=1, validator=validators.ge(1), metadata={"help": "that it computes with"})


class OnnxTeacher(Teacher):
    """Runs under onnxruntime on the CPU. Raises `ModelError` or `TrainingError` where the file is not such a network."""

    config_class = OnnxTeacherConfig

    def __init__(self, config: OnnxTeacherConfig) -> None:
        super().__init__()
        self.config = config
        self._wanted = {what: name for what in OUTPUTS if (name := getattr(config, what)) is not None}
        if not self._wanted:
            raise TrainingError(f"{config.path}: says nothing as a teacher: name its {', '.join(OUTPUTS[:-1])} or {OUTPUTS[-1]}")
        self._session = _session(config, list(self._wanted.values()))
        self._inputs = [node.name for node in self._session.get_inputs()]

    @torch.no_grad()
    def forward(self, waveform: Tensor, lengths: Tensor) -> Output:
        """`[batch, samples]`, `[batch]` → what the file gives; clips of different lengths are heard one by one."""
        samples = waveform.detach().cpu().float()
        if int(lengths.min()) == samples.shape[-1]:
            said = self._hear(samples)
        else:
            alone = [self._hear(clip[None, : int(length)]) for clip, length in zip(samples, lengths, strict=True)]
            said = {what: _stacked([each[what] for each in alone]) for what in self._wanted}
        if self.config.frames_last and "frames" in said:
            said["frames"] = said["frames"].transpose(1, 2)
        said = {what: tensor.to(waveform.device) for what, tensor in said.items()}
        return Output(said.get("logits"), said.get("embedding"), said.get("frames"))

    def _hear(self, samples: Tensor) -> dict[str, Tensor]:
        """Clips of one length, `[batch, samples]`."""
        sound = _fbank(samples) if self.config.features == "fbank" else samples
        if len(self._session.get_inputs()[0].shape) > sound.ndim:
            sound = sound[:, None]
        feeds: dict[str, Any] = {self._inputs[0]: sound.numpy()}
        if "lengths" in self._inputs:
            feeds["lengths"] = np.full(len(samples), samples.shape[-1], np.int64)
        try:
            found = self._session.run(list(self._wanted.values()), feeds)
        except Exception as error:  # noqa: BLE001 (onnxruntime's errors share no base)
            raise TrainingError(f"{self.config.path}: cannot hear clips of {samples.shape[-1] / RATE:.2f} s: {error}") from None
        return {what: torch.from_numpy(array) for what, array in zip(self._wanted, found, strict=True)}


def _session(config: OnnxTeacherConfig, names: list[str]) -> Any:
    with needs("train", "a teacher in an ONNX file"):
        from fastdiar.core.onnx_files import read_graph, session
    model = read_graph(config.path)
    tensors = [name for node in model.graph.node for name in node.output]
    for name in names:
        if name not in tensors:
            raise TrainingError(f"{config.path}: has no tensor '{name}'{nearest(name, tensors)}")
    try:
        return session(model, names, config.threads)
    except Exception as error:  # noqa: BLE001 (onnxruntime's errors share no base)
        raise TrainingError(f"{config.path}: cannot be used as an ONNX teacher: {error}") from None


def _fbank(samples: Tensor) -> Tensor:
    """`[batch, samples]` → `[batch, spectra, 80]`."""
    from torchaudio.compliance.kaldi import fbank

    features = torch.stack([fbank(clip[None], num_mel_bins=80, sample_frequency=RATE) for clip in samples])
    return features - features.mean(dim=1, keepdim=True)


def _stacked(parts: list[Tensor]) -> Tensor:
    """Tensors `[1, …]` as one, the shorter ones filled with zeros."""
    sizes = [max(part.shape[axis] for part in parts) for axis in range(1, parts[0].ndim)]
    whole = parts[0].new_zeros(len(parts), *sizes)
    for row, part in zip(whole, parts, strict=True):
        row[tuple(slice(size) for size in part.shape[1:])] = part[0]
    return whole
