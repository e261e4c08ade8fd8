"""A third party's plugin as it should be: the hook names its components, and nothing of them is imported here."""

from __future__ import annotations

from fastdiar.registry import Component, hookimpl


@hookimpl
def fastdiar_components() -> list[Component]:
    """The plugin's components."""
    return [
        Component("dataset", "tones", "acme_good.tones:Tones", "pure tones, one a speaker"),
        Component("clustering", "alone", "acme_good.alone:Alone", "everything is one person"),
    ]
