"""ONNX graphs as TensorRT engines, each for one kind of GPU, one version of the library and one graph.

`tensorrt` and `tensorrt_rtx` share this interface. The second builds engines on machines without a GPU.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np

from fastdiar.core.errors import MissingExtra, ModelError
from fastdiar.core.files import replacing

Library = Literal["tensorrt", "tensorrt_rtx"]
EXTRAS: dict[Library, str] = {"tensorrt": "tensorrt", "tensorrt_rtx": "tensorrt-rtx"}
Shapes = Mapping[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]
"""The smallest, the usual and the largest shape of each input, by name."""


@attrs.frozen
class Target:
    """What an engine is built for, and all that it runs on: `capability` is the GPU's, such as "8.9"."""

    library: Library
    version: str
    capability: str

    def file(self, graph: Path) -> Path:
        """Where the engine of a graph lies: another graph, library or GPU gives another name."""
        digest = hashlib.sha256(graph.read_bytes()).hexdigest()[:12]
        sm = self.capability.replace(".", "")
        return graph.with_name(f"{graph.stem}.{self.library}-{self.version}.sm{sm}.{digest}.engine")


def target(library: Library | None = None, capability: str | None = None) -> Target:
    """The library asked for, or the one that is installed, and the GPU asked for, or the one that is here.

    Raises `MissingExtra`, and `ModelError` where there is no GPU.
    """
    for name in (library,) if library else EXTRAS:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return Target(name, module.__version__, capability or _capability_here())
    raise MissingExtra("a TensorRT engine", EXTRAS[library or "tensorrt_rtx"])


def build_engine(graph: Path, built_for: Target, shapes: Shapes) -> Path:
    """Write the engine of an ONNX graph beside it, with the arithmetic that the graph has; raises `ModelError`."""
    from fastdiar.core.onnx_files import read_graph

    trt = importlib.import_module(built_for.library)
    logger = _logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(read_graph(graph).SerializeToString()):
        first = parser.get_error(0)
        where = f"its operator {first.node_operator()}" if first.node_operator() else "it"
        raise ModelError(f"{graph.name}: {built_for.library} cannot run {where}: {first.desc()}")
    config = builder.create_builder_config()
    _set_capability(trt, config, built_for)
    profile = builder.create_optimization_profile()
    for name in (network.get_input(number).name for number in range(network.num_inputs)):
        profile.set_shape(name, *shapes[name])
    config.add_optimization_profile(profile)
    with _timing_cache(config, built_for):
        engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise ModelError(f"{graph.name}: {built_for.library} {built_for.version} could not build an engine of it")
    path = built_for.file(graph)
    with replacing(path) as beside:
        beside.write_bytes(bytes(engine))
    return path


def find_engine(graph: Path, wanted: Target) -> Path:
    """The engine of a graph for this library and GPU; raises `ModelError` that says which there are."""
    path = wanted.file(graph)
    if path.is_file():
        return path
    others = sorted(other.name for other in graph.parent.glob(f"{graph.stem}.*.engine"))
    found = f"only {', '.join(others)}, built for another GPU, version or graph" if others else "no engine"
    raise ModelError(f"{graph}: {found}: expected {path.name}: export the run again with --to tensorrt")


class Engine:
    """An engine on the GPU that is here, with buffers and a stream of its own. Call it with inputs by name."""

    def __init__(self, path: Path, built_for: Target) -> None:
        """Load an engine; raises `ModelError` where it was built for something else, `MissingExtra` without torch."""
        try:
            import torch
        except ImportError:
            raise MissingExtra("running a TensorRT engine", "train") from None
        self._torch: Any = torch
        self._trt = importlib.import_module(built_for.library)
        if not torch.cuda.is_available():
            raise ModelError(f"{path.name}: there is no GPU here to run it on")
        self._runtime = self._trt.Runtime(_logger(self._trt))
        self._engine = self._runtime.deserialize_cuda_engine(path.read_bytes())
        if self._engine is None:
            raise ModelError(f"{path.name}: was built for another GPU or version of {built_for.library}, or is broken")
        self._context, self._stream = self._engine.create_execution_context(), self._torch.cuda.Stream()

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs by name; raises `ModelError` where an input's shape is outside what the engine was built for."""
        torch, names = self._torch, [self._engine.get_tensor_name(number) for number in range(self._engine.num_io_tensors)]
        with torch.cuda.stream(self._stream):
            tensors = {name: torch.from_numpy(np.ascontiguousarray(value)).cuda() for name, value in inputs.items()}
            for name, tensor in tensors.items():
                if not self._context.set_input_shape(name, tuple(tensor.shape)):
                    raise ModelError(f"{name}: {list(tensor.shape)} is outside what the engine was built for")
            for name in names:
                if name not in tensors:
                    kind = getattr(torch, np.dtype(self._trt.nptype(self._engine.get_tensor_dtype(name))).name)
                    tensors[name] = torch.empty(tuple(self._context.get_tensor_shape(name)), dtype=kind, device="cuda")
                self._context.set_tensor_address(name, tensors[name].data_ptr())
            self._context.execute_async_v3(self._stream.cuda_stream)
        self._stream.synchronize()
        return {name: tensor.cpu().numpy() for name, tensor in tensors.items() if name not in inputs}


def _capability_here() -> str:
    try:
        import torch
    except ImportError:
        raise MissingExtra("asking which GPU is here", "train") from None
    if not torch.cuda.is_available():
        raise ModelError('there is no GPU here: say which to build for, such as compute_capability = "8.9"')
    return "{}.{}".format(*torch.cuda.get_device_capability())


def _set_capability(trt: Any, config: Any, built_for: Target) -> None:
    """Build for a GPU that need not be here, where the library can; else it builds for the one that is."""
    if not hasattr(config, "set_compute_capability"):
        if built_for.capability != _capability_here():
            raise ModelError(f"{built_for.library} builds for the GPU that is here only: tensorrt_rtx builds for others")
        return
    name = f"SM{built_for.capability.replace('.', '')}"
    known = [each for each in trt.ComputeCapability.__members__ if each.startswith("SM")]
    if name not in known:
        shown = ", ".join(f"{each[2:-1]}.{each[-1]}" for each in known)
        raise ModelError(f"compute_capability {built_for.capability}: {built_for.library} builds for {shown}")
    config.num_compute_capabilities = 1
    config.set_compute_capability(getattr(trt.ComputeCapability, name), 0)


@contextmanager
def _timing_cache(config: Any, built_for: Target) -> Iterator[None]:
    """What the library learnt of kernels' speed, kept from one build to the next; tensorrt_rtx needs none."""
    if built_for.library != "tensorrt":
        yield
        return
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    path = home / "fastdiar" / f"{built_for.library}-{built_for.version}-{built_for.capability}.timing"
    known = path.read_bytes() if path.is_file() else b""
    config.set_timing_cache(config.create_timing_cache(known), ignore_mismatch=False)
    yield
    with replacing(path) as beside:
        beside.write_bytes(bytes(config.get_timing_cache().serialize()))


def _logger(trt: Any) -> Any:
    return trt.Logger(trt.Logger.INTERNAL_ERROR)
