"""fastdiar: who spoke when.

Each name is imported when it is first used: `import fastdiar` alone imports neither torch nor onnxruntime nor numpy.

Examples:
    >>> import fastdiar
    >>> fastdiar.Turn(0.0, 1.5, "anna").duration
    1.5
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastdiar import registry
    from fastdiar.core.errors import FastdiarError
    from fastdiar.core.types import Diarization, Recording, Turn
    from fastdiar.diarization.diarizer import Diarizer, diarize, load
    from fastdiar.recipe import Recipe, read_recipe

__all__ = [
    "Diarization",
    "Diarizer",
    "FastdiarError",
    "Recipe",
    "Recording",
    "Turn",
    "diarize",
    "load",
    "read_recipe",
    "registry",
]

_HOMES = {
    "Diarization": "fastdiar.core.types",
    "Diarizer": "fastdiar.diarization.diarizer",
    "FastdiarError": "fastdiar.core.errors",
    "Recipe": "fastdiar.recipe",
    "Recording": "fastdiar.core.types",
    "Turn": "fastdiar.core.types",
    "diarize": "fastdiar.diarization.diarizer",
    "load": "fastdiar.diarization.diarizer",
    "read_recipe": "fastdiar.recipe",
}


def __getattr__(name: str) -> Any:
    if name == "registry":
        return importlib.import_module("fastdiar.registry")
    if name not in _HOMES:
        raise AttributeError(f"module 'fastdiar' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
