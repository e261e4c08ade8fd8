"""The component that is tried, and how a promise says that it was not kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from fastdiar import registry
from fastdiar.core.component import Part
from fastdiar.recipe import read_part


class Broken(Exception):
    """A promise that is not kept; the message is what came instead."""


class Inapplicable(Exception):
    """A promise that this component does not make, and why."""


def hold(kept: bool, came: str) -> None:
    """Raise `Broken` unless `kept`."""
    if not kept:
        raise Broken(came)


def applies(asked: bool, otherwise: str) -> None:
    """Raise `Inapplicable` unless `asked`."""
    if not asked:
        raise Inapplicable(otherwise)


@attrs.frozen(eq=False)
class Subject:
    """A component with the config it is tried with."""

    kind: str
    name: str
    part: Part
    table: Mapping[str, Any]

    @property
    def component(self) -> Any:
        """Its class."""
        return self.part.component

    @property
    def config(self) -> Any:
        """Its config, an instance of its config class."""
        return self.part.config

    def build(self, *inputs: Any, **changes: Any) -> Any:
        """The component itself, the same at every call; `changes` are other values for keys of its config."""
        changed = attrs.evolve(self.part, config=attrs.evolve(self.config, **changes))
        try:
            import torch
        except ModuleNotFoundError:
            return changed.build(*inputs)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            return changed.build(*inputs)


def subject_of(kind: str, name: str, config: Mapping[str, Any] | None = None) -> Subject:
    """The component with `config`, keys and values as in its table of a recipe.

    Raises `RegistryError` where there is none or it is broken, `RecipeError` where it needs to be told more, `MissingExtra`
    where a library that it needs is not installed.
    """
    registry.lookup(kind, name)
    table = dict(config or {})
    return Subject(kind, name, read_part(kind, {"use": name, **table}, "config"), table)
