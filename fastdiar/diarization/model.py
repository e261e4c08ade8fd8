"""A model bundle, ready to run: its ONNX graphs through onnxruntime."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fastdiar.core.bundle import ACTIVITY, BACKEND, MANIFEST, Bundle, read_bundle
from fastdiar.core.errors import MissingExtra, ModelError, nearest
from fastdiar.core.processes import cores

ASSETS = Path(__file__).parents[1] / "assets"
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
Provider = Literal["cpu", "cuda", "tensorrt"]
NOT_FOR_PEOPLE = re.compile(
    r"^\[ONNXRuntimeError\] : \d+ : \w+ : (?:Exception during initialization: )?(?:\S+:\d+ .*?\) (?=[A-Z!]))?"
)
"""The number of onnxruntime's error, and the place in its source that noticed it."""


def shipped() -> list[str]:
    """Names of the models inside the package."""
    return sorted(path.parent.name for path in ASSETS.glob(f"*/{MANIFEST}"))


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a model: one that ships, by name, or any folder; raises `ModelError`."""
    if (ASSETS / str(name_or_path) / MANIFEST).is_file() and Path(name_or_path).name == str(name_or_path):
        return ASSETS / str(name_or_path)
    if Path(name_or_path).is_dir():
        return Path(name_or_path)
    names = shipped()
    hint = nearest(str(name_or_path), names) or f" (models that ship: {', '.join(names)})"
    raise ModelError(f"no model '{name_or_path}': neither a folder nor a model that ships{hint}")


class Model:
    """The graphs of a bundle; each is loaded when first used. Not to be shared between threads while loading."""

    def __init__(self, folder: Path, threads: int = 1, provider: Provider = "cpu") -> None:
        """Read and verify the bundle; raises `ModelError`, and `MissingExtra` without what is to run it.

        More `threads` than there are cores only get in each other's way: they count as so many.
        """
        self._runtime = _onnxruntime(provider)
        self.folder, self.threads, self.provider = folder, min(threads, cores()), provider
        self.bundle: Bundle = read_bundle(folder)

    def activity(self, waveforms: np.ndarray) -> np.ndarray:
        """`[chunks, samples]` → powerset probabilities `[chunks, frames, classes]`."""
        session = self._encode if self.one_pass else self._activity
        return self._run(session, ["activity"], waveform=waveforms)[0]

    def encode(self, waveform: np.ndarray) -> np.ndarray:
        """`[samples]` → `[frames, dim]`."""
        return self._run(self._encode, ["frames"], waveform=waveform[None])[0][0]

    def encode_with_activity(self, waveforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`[chunks, samples]` → `[chunks, frames, dim]` and `[chunks, frames, classes]`, by the one graph that does both."""
        frames, activity = self._run(self._encode, ["frames", "activity"], waveform=waveforms)
        return frames, activity

    def embed(self, frames: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """`[frames, dim]`, `[speakers, frames]` ≥ 0 → unit vectors `[speakers, dim]`."""
        return self._run(self._embed, ["embedding"], frames=frames[None], weights=weights[None])[0][0]

    def voice(self, waveform: np.ndarray) -> np.ndarray:
        """`[samples]` of one person → their unit vector `[dim]`."""
        frames = self.encode(waveform)
        return self.embed(frames, np.ones((1, len(frames)), np.float32))[0]

    def classify(self, waveform: np.ndarray) -> np.ndarray:
        """`[samples]` → logits `[classes]`: which of the bundle's `labels` speaks."""
        return self._run(self._classify, ["logits"], waveform=waveform[None])[0][0]

    @property
    def one_pass(self) -> bool:
        """Whether one graph gives frames and activity together."""
        return ACTIVITY not in self.bundle.files

    @property
    def _threads_each(self) -> int:
        """Of a network: where two listen, they do so at the same time."""
        return self.threads if self.one_pass else max(1, self.threads // 2)

    @cached_property
    def backend(self) -> dict[str, np.ndarray]:
        """Arrays for scoring the embeddings; empty where the bundle has none. Raises `ModelError`."""
        if BACKEND not in self.bundle.files:
            return {}
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            return load_file(self.folder / BACKEND)
        except SafetensorError as error:
            raise ModelError(f"{self.folder / BACKEND}: not a safetensors file: {_first_line(error)}") from None

    @cached_property
    def _encode(self) -> Any:
        return self._session("encode.onnx")

    @cached_property
    def _activity(self) -> Any:
        return self._session(ACTIVITY)

    @cached_property
    def _embed(self) -> Any:
        return self._session("embed.onnx")

    @cached_property
    def _classify(self) -> Any:
        return self._session("classify.onnx")

    def _session(self, name: str) -> Any:
        if name not in self.bundle.files:
            raise ModelError(f"{self.folder}: this model has no {name}, which this needs")
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self._threads_each, 1
        # Threads that wait by spinning keep a core from whoever else needs it, such as the next network of the walk.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 4  # errors are raised, and need not be printed too
        # Bytes, not a path: a graph that points to data outside its folder then has nowhere to find it.
        graph = (self.folder / name).read_bytes()
        try:
            session = self._runtime.InferenceSession(graph, options, providers=[PROVIDERS[self.provider]])
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no base of their own
            raise ModelError(f"{self.folder / name}: not a graph that onnxruntime can run: {_first_line(error)}") from None
        if PROVIDERS[self.provider] not in session.get_providers():  # it would go on without, slowly and in silence
            raise ModelError(
                f"--provider {self.provider}: onnxruntime cannot use it here: it needs an NVIDIA GPU, and CUDA and cuDNN of the "
                "versions in onnxruntime's GPU requirements"
            )
        return session

    def _run(self, session: Any, outputs: list[str], **inputs: np.ndarray) -> list[np.ndarray]:
        if any(put.name == "lengths" for put in session.get_inputs()):
            inputs["lengths"] = np.array([inputs["waveform"].shape[1]], np.int64)
        try:
            return session.run(outputs, inputs)
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no base of their own
            raise ModelError(f"{self.folder}: the model failed: {_first_line(error)}") from None


def _onnxruntime(provider: Provider) -> Any:
    """The library that runs graphs, where it is installed and knows `provider`."""
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtra("running a model", "cpu") from None
    if PROVIDERS[provider] not in onnxruntime.get_available_providers():
        raise MissingExtra(f"--provider {provider}", "gpu")
    return onnxruntime


def _first_line(error: Exception) -> str:
    return NOT_FOR_PEOPLE.sub("", str(error).strip().splitlines()[0])
