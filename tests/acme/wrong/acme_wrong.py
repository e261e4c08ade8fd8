"""A plugin whose components are not what it says; the last one is."""

from __future__ import annotations

from fastdiar.core.clustering import Clustering, Clusters, Windows
from fastdiar.core.dataset import Dataset
from fastdiar.registry import Component, hookimpl


@hookimpl
def fastdiar_components() -> list[Component]:
    """Records that promise too much."""
    return [
        Component("dataset", "clustering", "acme_wrong:NoConfig", "a clustering, not a dataset"),
        Component("dataset", "half", "acme_wrong:Half", "lacks a method"),
        Component("dataset", "nowhere", "acme_wrong:Nowhere", "is not there"),
        Component("dataset", "elsewhere", "acme_wrong.module:Nowhere", "nor is its module"),
        Component("clustering", "no_config", "acme_wrong:NoConfig", "has no config class"),
        Component("clustering", "alone", "acme_good.alone:Alone", "is good"),
    ]


class Half(Dataset):
    """Lists nothing and loads nothing."""


class NoConfig(Clustering):
    """Cannot be configured."""

    def __call__(self, windows: Windows, min_speakers: int = 1, max_speakers: int | None = None) -> Clusters:
        """Not reached."""
        raise AssertionError
