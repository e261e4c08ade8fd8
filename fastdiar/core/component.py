"""What a plugin says of its components: records, so that listing them imports none of them."""

from __future__ import annotations

import re
from typing import Any

import attrs
import pluggy
from attrs import field

KINDS = ("dataset", "augmentation", "encoder", "temporal", "pooling", "head", "loss", "teacher", "exporter", "clustering")
"""Everything that a plugin can bring."""

HOOK_VERSION = 1
"""Of the hook and of all that a component is handed: rises with a release that plugins made before do not work with."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")

hookspec = pluggy.HookspecMarker("fastdiar")
hookimpl = pluggy.HookimplMarker("fastdiar")


@attrs.frozen
class Component:
    """A class that a recipe can name: `kind` (of `KINDS`), `name` (without the plugin's), `target` "package.module:Class".

    Raises `ValueError` or `TypeError` where one of them is not what it should be.
    """

    kind: str = field()
    name: str = field()
    target: str = field()
    summary: str = field()

    @kind.validator
    def _known(self, attribute: attrs.Attribute[str], value: str) -> None:
        if value not in KINDS:
            raise ValueError(f"no kind {value!r}: expected one of {', '.join(KINDS)}")

    @name.validator
    def _plain(self, attribute: attrs.Attribute[str], value: str) -> None:
        if not NAME.fullmatch(value):
            raise ValueError(
                f"component name {value!r}: expected lower-case letters, digits, '_' and '-', without the plugin's name"
            )

    @target.validator
    def _importable(self, attribute: attrs.Attribute[str], value: str) -> None:
        if not all(part.isidentifier() for part in re.split(r"[.:]", value)) or value.count(":") != 1:
            raise ValueError(f"component target {value!r}: expected 'package.module:Class'")

    @summary.validator
    def _one_line(self, attribute: attrs.Attribute[str], value: str) -> None:
        if not value.strip() or "\n" in value:
            raise ValueError(f"component summary {value!r}: expected one line")


@attrs.frozen
class Part:
    """A component that a recipe names: `use` is its name, `config` its table as the component's config class."""

    use: str
    config: Any
    component: type = field(eq=False, repr=False)

    def build(self, *inputs: Any) -> Any:
        """The component itself; `inputs` are what its kind takes beside a config."""
        return self.component(self.config, *inputs)


class Hooks:
    """The hooks that a plugin can answer."""

    @hookspec
    def fastdiar_components(self) -> list[Component]:  # type: ignore[empty-body]
        """The plugin's components."""
