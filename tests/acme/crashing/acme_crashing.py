"""A plugin that cannot be imported."""

from __future__ import annotations

raise RuntimeError("the licence server\ndoes not answer")
