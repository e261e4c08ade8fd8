"""A bundle's graphs as a model repository of NVIDIA's Triton Inference Server, which runs them through onnxruntime.

A model is a folder `NAME/config.pbtxt`, `NAME/1/model.onnx` (Triton documentation, "Model Repository", "Model Configuration").
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from fastdiar.core.bundle import GRAPHS
from fastdiar.core.errors import ModelError, needs
from fastdiar.core.files import write_text

TYPES = {"tensor(float)": "TYPE_FP32", "tensor(int64)": "TYPE_INT64"}
"""What Triton calls onnxruntime's types."""


def write_repository(bundle: Path, repository: Path, prefix: str = "", batch: int = 16, wait: float = 2.0) -> list[str]:
    """Write a model into `repository` for each graph that lies in the folder `bundle`; returns their names.

    A name is `prefix` and the graph's. Triton joins requests of one shape that come within `wait` milliseconds, up to `batch`
    clips. Raises `ModelError` where a graph is not one of a bundle, `MissingExtra` without onnxruntime.
    """
    names = []
    for graph in (bundle / name for name in GRAPHS if (bundle / name).is_file()):
        names.append(f"{prefix}{graph.stem}")
        text = _config(names[-1], _session(graph), batch, round(1000 * wait))
        folder = repository / names[-1]
        (folder / "1").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(graph, folder / "1" / "model.onnx")
        write_text(folder / "config.pbtxt", text)
    return names


def _session(graph: Path) -> Any:
    with needs("cpu", "reading a graph's inputs and outputs"):
        import onnxruntime
    try:
        return onnxruntime.InferenceSession(graph.read_bytes(), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no base of their own
        raise ModelError(f"{graph}: not a graph that onnxruntime can run: {str(error).splitlines()[0]}") from None


def _config(name: str, session: Any, batch: int, wait: int) -> str:
    tensors = [("input", each) for each in session.get_inputs()] + [("output", each) for each in session.get_outputs()]
    return "".join(
        (
            f'name: "{name}"\n',
            'backend: "onnxruntime"\n',
            f"max_batch_size: {batch}\n",
            *(_tensor(kind, each) for kind, each in tensors),
            f"dynamic_batching {{ max_queue_delay_microseconds: {wait} }}\n",
        )
    )


def _tensor(kind: str, tensor: Any) -> str:
    """One input or output; the batch goes without saying, and Triton has no tensors without another dimension."""
    sizes = [size if isinstance(size, int) else -1 for size in tensor.shape[1:]]
    shape = f"dims: [ {', '.join(map(str, sizes))} ]" if sizes else "dims: [ 1 ] reshape { shape: [ ] }"
    return f'{kind} [ {{ name: "{tensor.name}" data_type: {TYPES[tensor.type]} {shape} }} ]\n'
