"""A network as TensorRT engines, beside the ONNX graphs they are built from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs import field
from torch import nn

from fastdiar.core.interfaces import Exporter
from fastdiar.core.onnx_graphs import Speech, write_graphs
from fastdiar.core.parity import Parity
from fastdiar.core.tensorrt_engines import Library, Shapes, build_engine, target
from fastdiar.core.types import RATE


@attrs.frozen
class TensorRtConfig:
    """`use = "tensorrt"`: which GPU engines are for, and the smallest, usual and largest of what they will be given."""

    precision: Literal["fp32", "fp16"] = field(
        default="fp32", metadata={"help": "of the stored weights; the arithmetic is fp32, and int8 is onnxruntime's alone"}
    )
    library: Library | None = field(default=None, metadata={"help": "none: the one that is installed"})
    compute_capability: str | None = field(
        default=None,
        metadata={"help": 'of the GPU to build for, such as "8.9"; none: the one in this machine'},
    )
    batch: tuple[int, int, int] = field(default=(1, 1, 16), metadata={"help": "clips at once"})
    seconds: tuple[float, float, float] = field(default=(0.1, 3.0, 30.0), metadata={"help": "length of a clip"})
    windows: tuple[int, int, int] = field(default=(1, 8, 64), metadata={"help": "voices embedded at once"})

    @compute_capability.validator
    def _a_capability(self, attribute: attrs.Attribute[Any], value: str | None) -> None:
        if value is not None and not re.fullmatch(r"\d+\.\d", value):
            raise ValueError(f'must be like "8.9": {value}')

    @batch.validator
    @seconds.validator
    @windows.validator
    def _ordered(self, attribute: attrs.Attribute[Any], value: tuple[float, float, float]) -> None:
        if not 0 < value[0] <= value[1] <= value[2]:
            raise ValueError(f"must be the smallest, the usual and the largest, above 0: {list(value)}")


class TensorRt(Exporter):
    """`encode`, `embed` and `classify` as engines for one kind of GPU; through `tensorrt_rtx` no GPU is needed to build them."""

    config_class = TensorRtConfig
    config: TensorRtConfig

    def export(self, network: nn.Module, folder: Path, metadata: Mapping[str, str], speech: Speech) -> dict[str, Parity]:
        """Write graphs and engines; returns how far each graph is from torch. Raises `ModelError`, `MissingExtra`."""
        built_for = target(self.config.library, self.config.compute_capability)
        parity = write_graphs(network, folder, metadata, self.config.precision, speech)
        for name in parity:
            build_engine(folder / name, built_for, self._shapes(network))
        return parity

    def _shapes(self, network: Any) -> Shapes:
        sizes = list(zip(self.config.batch, self.config.seconds, self.config.windows, strict=True))
        frames = [math.ceil(seconds * RATE / network.frames.hop) for seconds in self.config.seconds]
        return {
            "waveform": tuple((batch, round(seconds * RATE)) for batch, seconds, _ in sizes),
            "frames": tuple((batch, count, network.frames.dim) for (batch, _, _), count in zip(sizes, frames, strict=True)),
            "weights": tuple((batch, windows, count) for (batch, _, windows), count in zip(sizes, frames, strict=True)),
        }
