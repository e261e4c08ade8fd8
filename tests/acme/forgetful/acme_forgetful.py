"""A plugin whose hook makes a list, and does not return it."""

from __future__ import annotations

from fastdiar.registry import Component, hookimpl


@hookimpl
def fastdiar_components() -> None:
    """Nothing comes of it."""
    [Component("dataset", "tones", "acme_forgetful:Tones", "never seen")]
