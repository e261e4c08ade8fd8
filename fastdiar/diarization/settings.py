"""What a model's bundle says of the walk and of its clustering, checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastdiar import registry
from fastdiar.core.bundle import BACKEND, MANIFEST
from fastdiar.core.clustering import Clustering
from fastdiar.core.errors import ModelError, RegistryError
from fastdiar.core.structure import StructureError, structure
from fastdiar.core.tables import WalkSettings
from fastdiar.diarization.model import Model


def settings_of(model: Model) -> WalkSettings:
    """The bundle's `[diarization]`; raises `ModelError` where it makes no sense, or the model does not diarize."""
    with _telling(model, "diarization"):
        settings = structure({key: value for key, value in model.bundle.diarization.items() if key != "cluster"}, WalkSettings)
    if model.bundle.activity is None:
        raise ModelError(f"{model.folder / MANIFEST}: activity: missing: this model does not say when somebody speaks")
    return settings


def clustering_of(model: Model) -> Clustering:
    """The clustering of the bundle's `[diarization.cluster]`, with the bundle's backend; raises `ModelError`."""
    with _telling(model, "diarization.cluster"):
        table = structure(model.bundle.diarization.get("cluster", {}), dict[str, Any])
        clustering = registry.lookup("clustering", structure(table.pop("use", "variational"), str))
        config = structure(table, clustering.config_class)
    backend = model.backend
    try:
        return clustering(config, backend)
    except ModelError as error:
        raise ModelError(f"{model.folder / BACKEND}: {error}") from None


@contextmanager
def _telling(model: Model, table: str) -> Iterator[None]:
    """Errors say which table of which manifest they are about."""
    try:
        yield
    except (StructureError, RegistryError) as error:
        lines = str(error).splitlines()
        raise ModelError("\n".join(f"{model.folder / MANIFEST}: [{table}]: {line}" for line in lines)) from None
