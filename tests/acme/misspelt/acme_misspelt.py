"""A plugin that means the hook, and misspells it."""

from __future__ import annotations

from fastdiar.registry import Component, hookimpl


@hookimpl
def fastdiar_component() -> list[Component]:
    """Never asked."""
    return []
