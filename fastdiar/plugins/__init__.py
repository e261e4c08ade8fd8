"""The components that come with fastdiar, registered through the hook that third parties use."""

from __future__ import annotations

from fastdiar.core.component import Component, hookimpl


@hookimpl
def fastdiar_components() -> list[Component]:
    """Every built-in component: by kind as in `KINDS`, then by name."""
    return []
