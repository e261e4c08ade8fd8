"""What a model's bundle says of the walk and of its clustering, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastdiar import registry
from fastdiar.core.bundle import BACKEND, MANIFEST
from fastdiar.core.clustering import Clustering
from fastdiar.core.errors import ModelError, RegistryError
from fastdiar.core.structure import StructureError, structure
from fastdiar.core.tables import WalkSettings
from fastdiar.diarization.model import Model


def settings_of(model: Model, table: Mapping[str, Any] | None = None) -> WalkSettings:
    """The bundle's `[diarization]`, or `table` in its place.

    Raises `ModelError` where it makes no sense, or the model does not diarize.
    """
    with _telling(model, table, "diarization"):
        values = model.bundle.diarization if table is None else table
        settings = structure({key: value for key, value in values.items() if key != "cluster"}, WalkSettings)
    if model.bundle.activity is None:
        raise ModelError(f"{model.folder / MANIFEST}: activity: missing: this model does not say when somebody speaks")
    return settings


def clustering_of(model: Model, table: Mapping[str, Any] | None = None) -> Clustering:
    """The clustering of the bundle's `[diarization.cluster]`, or of `table`'s `cluster`, with the bundle's backend.

    Raises `ModelError`.
    """
    with _telling(model, table, "diarization.cluster"):
        values = model.bundle.diarization if table is None else table
        cluster = structure(values.get("cluster", {}), dict[str, Any])
        clustering = registry.lookup("clustering", structure(cluster.pop("use", "variational"), str))
        config = structure(cluster, clustering.config_class)
    backend = model.backend
    try:
        return clustering(config, backend)
    except ModelError as error:
        raise ModelError(f"{model.folder / BACKEND}: {error}") from None


@contextmanager
def _telling(model: Model, given: Mapping[str, Any] | None, table: str) -> Iterator[None]:
    """Errors say which table of which manifest they are about, or that it is of the settings given."""
    where = model.folder / MANIFEST if given is None else "settings"
    try:
        yield
    except (StructureError, RegistryError) as error:
        lines = str(error).splitlines()
        raise ModelError("\n".join(f"{where}: [{table}]: {line}" for line in lines)) from None
