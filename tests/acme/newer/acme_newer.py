"""A plugin of tomorrow."""

from __future__ import annotations

from fastdiar.registry import Component, hookimpl

FASTDIAR_HOOK = 2


@hookimpl
def fastdiar_components() -> list[Component]:
    """What it would bring."""
    return [Component("dataset", "dreams", "acme_newer:Dreams", "dreams")]
