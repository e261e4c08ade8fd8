"""A plugin that claims one name for two classes."""

from __future__ import annotations

from fastdiar.registry import Component, hookimpl


@hookimpl
def fastdiar_components() -> list[Component]:
    """The same name twice."""
    return [
        Component("dataset", "tones", "acme_good.tones:Tones", "one"),
        Component("dataset", "tones", "acme_good.alone:Alone", "and another"),
    ]
