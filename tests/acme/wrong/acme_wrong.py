"""A plugin whose components are not what it says; the last one is."""

from __future__ import annotations

import attrs

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
        Component("clustering", "loose", "acme_wrong:Loose", "can be changed"),
        Component("clustering", "short", "acme_wrong:Short", "takes too little"),
        Component("pooling", "long", "acme_wrong_pooling:Long", "gives less than it says"),
        Component("clustering", "alone", "acme_good.alone:Alone", "is good"),
    ]


class Half(Dataset):
    """Lists nothing and loads nothing."""


class NoConfig(Clustering):
    """Cannot be configured."""

    def __call__(self, windows: Windows, min_speakers: int = 1, max_speakers: int | None = None) -> Clusters:
        """Not reached."""
        raise AssertionError


@attrs.define
class LooseConfig:
    """Can be changed."""


class Loose(NoConfig):
    """Has a config that is not frozen."""

    config_class = LooseConfig


class Short(Clustering):
    """Cannot be told how many people there are."""

    config_class = attrs.make_class("ShortConfig", [], frozen=True)

    def __call__(self, windows: Windows) -> Clusters:  # type: ignore[override]
        """Not reached."""
        raise AssertionError
