"""Which components there are, and where each of them comes from.

Built-in and third-party plugins answer the same hook, `fastdiar_components`. A third party's plugin is an entry point of the
group `fastdiar`; its components are called `plugin/name`, built-in ones `name`. Nothing is imported before it is asked for,
and a plugin that fails is kept as broken, with its reason, while everything else works.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import attrs
import pluggy

from fastdiar.core.component import HOOK_VERSION, KINDS, Component, Hooks, hookimpl
from fastdiar.core.errors import MissingExtra, RegistryError, nearest

__all__ = [
    "HOOK_VERSION",
    "KINDS",
    "Broken",
    "Component",
    "Listed",
    "Registry",
    "broken",
    "hookimpl",
    "installed",
    "listed",
    "lookup",
    "names",
]

GROUP = "fastdiar"
MADE_FOR = "FASTDIAR_HOOK"
"""What a plugin's module calls the version of the hook that it was made for; one that does not say so was made for the first."""
SWITCH = "FASTDIAR_PLUGINS"
BUILT_IN = "fastdiar.plugins"

INTERFACES = {
    "dataset": "fastdiar.core.dataset:Dataset",
    "augmentation": "fastdiar.core.interfaces:Augmentation",
    "encoder": "fastdiar.core.interfaces:Encoder",
    "temporal": "fastdiar.core.interfaces:TemporalBlock",
    "pooling": "fastdiar.core.interfaces:Pooling",
    "head": "fastdiar.core.interfaces:Head",
    "loss": "fastdiar.core.interfaces:Loss",
    "teacher": "fastdiar.core.interfaces:Teacher",
    "exporter": "fastdiar.core.interfaces:Exporter",
    "clustering": "fastdiar.core.clustering:Clustering",
}

EXTRAS = {
    "torch": "train",
    "torchaudio": "train",
    "safetensors": "train",
    "onnx": "train",
    "onnxscript": "train",
    "onnxruntime": "cpu",
    "av": "media",
}
"""The extra that brings a library which a component may lack."""


@attrs.frozen
class Listed:
    """A component with the name a recipe calls it by, and the distribution it came with."""

    name: str
    component: Component
    origin: str


@attrs.frozen
class Broken:
    """A plugin, or one of its components, that cannot be used: its name, where it came from, and why."""

    name: str
    origin: str
    reason: str


def lookup(kind: str, name: str) -> type:
    """The class called `name`; imports its module and no other plugin. Raises `RegistryError`: nearest name, or reason."""
    return installed().lookup(kind, name)


def names(kind: str) -> list[str]:
    """Every name of a kind, built-in ones first, without importing a component."""
    return [each.name for each in listed() if each.component.kind == kind]


def listed() -> list[Listed]:
    """Every component that is not known to be broken, by kind and name, without importing one."""
    return installed().listed()


def broken() -> list[Broken]:
    """Every plugin and component found broken so far, by name."""
    return installed().broken()


@cache
def installed() -> Registry:
    """The registry of this process: what was installed when it was first asked."""
    return Registry(entry_points(group=GROUP), os.environ.get(SWITCH, ""))


class Registry:
    """The built-in components, and those of third parties whose entry points are given.

    `only` is the value of FASTDIAR_PLUGINS: "" for all plugins, "none", or their names with commas.
    """

    def __init__(self, points: Iterable[EntryPoint], only: str = "") -> None:
        self._points: dict[str, list[EntryPoint]] = {}
        for point in points:
            self._points.setdefault(point.name, []).append(point)
        self._allowed = _allowed(only, self._points)
        self._plugins: dict[str, dict[tuple[str, str], Component]] = {}
        self._broken: dict[str, Broken] = {}
        for name in self._allowed - self._points.keys():
            self._mark(name, f"named in {SWITCH}, but not installed{nearest(name, self._points)}", SWITCH)

    def lookup(self, kind: str, name: str) -> type:
        """As the function of this name."""
        plugin = name.rpartition("/")[0]
        component = self._components(plugin).get((kind, name[len(plugin) + 1 :] if plugin else name))
        if component is None or _key(kind, name) in self._broken:
            raise RegistryError(self._why_not(kind, name, plugin))
        try:
            return _component_class(component)
        except ModuleNotFoundError as error:
            extra = EXTRAS.get((error.name or "").partition(".")[0])
            if extra is not None:
                raise MissingExtra(f"{kind} '{name}'", extra) from error
            self._mark(_key(kind, name), _reason(error), self._origin(plugin))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin does on import, only it is lost
            self._mark(_key(kind, name), _reason(error), self._origin(plugin))
        raise RegistryError(self._why_not(kind, name, plugin))

    def listed(self) -> list[Listed]:
        """As the function of this name."""
        found = [
            Listed(f"{plugin}/{bare}" if plugin else bare, component, self._origin(plugin))
            for plugin in ("", *sorted(self._allowed))
            for (_, bare), component in self._components(plugin).items()
        ]
        usable = [each for each in found if _key(each.component.kind, each.name) not in self._broken]
        return sorted(usable, key=lambda each: (KINDS.index(each.component.kind), "/" in each.name, each.name))

    def plugins(self) -> list[str]:
        """The names of third parties' plugins that are installed, loaded or not."""
        return sorted(self._points)

    def broken(self) -> list[Broken]:
        """As the function of this name."""
        return [self._broken[name] for name in sorted(self._broken)]

    def _components(self, plugin: str) -> dict[tuple[str, str], Component]:
        """A plugin's components by kind and bare name; none where it is broken, unknown or switched off."""
        if plugin not in self._plugins:
            self._plugins[plugin] = {}
            if not plugin:
                self._plugins[plugin] = _ask(lambda: importlib.import_module(BUILT_IN))
            elif plugin in self._allowed and plugin in self._points:
                try:
                    self._plugins[plugin] = _ask(_only(self._points[plugin]).load)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - likewise
                    self._mark(plugin, _reason(error), self._origin(plugin))
        return self._plugins[plugin]

    def _why_not(self, kind: str, name: str, plugin: str) -> str:
        """Why `name` cannot be looked up, with the nearest name that can."""
        for key in (plugin, _key(kind, name)):
            if key in self._broken:
                return f"{key} is broken: {self._broken[key].reason} (from {self._broken[key].origin})"
        if kind not in KINDS:
            return f"no kind {kind!r}{nearest(kind, KINDS)}: expected one of {', '.join(KINDS)}"
        if plugin in self._points and plugin not in self._allowed:
            return f"no {kind} {name!r}: the plugin {plugin!r} is switched off by {SWITCH}"
        if plugin and plugin not in self._points:
            return f"no {kind} {name!r}: no plugin {plugin!r} is installed{nearest(plugin, self._points)}"
        pool = [(its_kind, f"{plugin}/{bare}") for its_kind, bare in self._components(plugin)] if plugin else self._names()
        known = [each for its_kind, each in pool if its_kind == kind]
        other = "".join(f" (it is of kind {its_kind})" for its_kind, each in pool if each == name)
        hint = nearest(name, known) or (f": expected one of {', '.join(known)}" if known else "")
        return f"no {kind} {name!r}{other}{hint}"

    def _names(self) -> list[tuple[str, str]]:
        return [(each.component.kind, each.name) for each in self.listed()]

    def _mark(self, name: str, reason: str, origin: str) -> None:
        self._broken[name] = Broken(name, origin, reason)

    def _origin(self, plugin: str) -> str:
        if not plugin:
            return "fastdiar"
        return ", ".join(f"{each.dist.name} {each.dist.version}" if each.dist else each.value for each in self._points[plugin])


def _allowed(only: str, installed: Iterable[str]) -> set[str]:
    if only.strip() == "none":
        return set()
    return {name.strip() for name in only.split(",") if name.strip()} or set(installed)


def _key(kind: str, name: str) -> str:
    """What a broken component is called; a plugin is called by its name alone."""
    return f"{kind} {name}"


def _only(points: list[EntryPoint]) -> EntryPoint:
    """The one entry point of a plugin. Of two, which is meant would hang on the order of installation: neither is used."""
    point = points[0]
    if len(points) > 1:
        values = ", ".join(sorted(each.value for each in points))
        raise RegistryError(f"more than one distribution claims the plugin name '{point.name}' ({values}): uninstall all but one")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", point.name):
        raise RegistryError(f"plugin name '{point.name}': expected letters, digits, '_', '-' and '.'")
    return point


def _ask(load: Callable[[], Any]) -> dict[tuple[str, str], Component]:
    """What one plugin answers to the hook. A manager for each, so that none can harm another."""
    manager = pluggy.PluginManager("fastdiar")
    manager.add_hookspecs(Hooks)
    plugin = load()
    made_for = getattr(plugin, MADE_FOR, 1)
    if made_for != HOOK_VERSION:
        raise RegistryError(
            f"was made for version {made_for!r} of fastdiar's hook, and this is version {HOOK_VERSION}: install a release of it "
            "that was made for this one"
        )
    manager.register(plugin)
    unknown = [name for name, hook in vars(manager.hook).items() if not name.startswith("_") and not hook.has_spec()]
    if unknown:
        raise RegistryError(f"unknown hook '{unknown[0]}'{nearest(unknown[0], vars(Hooks))}")
    if not manager.get_hookcallers(plugin):
        raise RegistryError("has no function fastdiar_components marked with @hookimpl")
    given = next(iter(manager.hook.fastdiar_components()), None)  # pluggy leaves out what returned None
    components: dict[tuple[str, str], Component] = {}
    for component in given if isinstance(given, Iterable) else [given]:
        if not isinstance(component, Component):
            raise RegistryError(f"fastdiar_components gave {component!r}: expected a list of Component")
        if (component.kind, component.name) in components:
            raise RegistryError(f"claims the {component.kind} '{component.name}' twice")
        components[component.kind, component.name] = component
    return components


def _component_class(component: Component) -> type:
    """Import a component and hold it against the interface of its kind."""
    found = _imported(component.target)
    interface = _imported(INTERFACES[component.kind])
    if not (isinstance(found, type) and issubclass(found, interface)):
        raise RegistryError(
            f"{component.target} is not of kind {component.kind}: expected a subclass of {INTERFACES[component.kind]}"
        )
    if inspect.isabstract(found):
        missing = ", ".join(sorted(getattr(found, "__abstractmethods__")))  # noqa: B009 - mypy knows no such attribute of a type
        raise RegistryError(f"{component.target} is not a whole {component.kind}: it lacks {missing}")
    config = getattr(found, "config_class", None)
    if not (isinstance(config, type) and attrs.has(config)):
        raise RegistryError(f"{component.target} has no config_class: expected a frozen attrs class")
    if not _is_frozen(config):
        raise RegistryError(f"{component.target}: config_class {config.__name__} can be changed: expected @attrs.frozen")
    attrs.resolve_types(config)
    for name in sorted(interface.__abstractmethods__):
        _expect_call(component.target, name, getattr(found, name), getattr(interface, name))
    return found


def _is_frozen(config: type) -> bool:
    try:
        setattr(object.__new__(config), "anything", None)  # noqa: B010 - mypy knows that it is not there
    except attrs.exceptions.FrozenInstanceError:
        return True
    except AttributeError:
        pass  # slots, which have no such place
    return False


def _expect_call(target: str, name: str, method: Callable[..., Any], promised: Callable[..., Any]) -> None:
    """Raises `RegistryError` where a method cannot be called as its interface says."""
    wanted = list(inspect.signature(promised).parameters.values())
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in wanted):
        return  # a head's forward takes lengths or none, as its level says
    try:
        inspect.signature(method).bind(*wanted)
    except TypeError as error:
        told = ", ".join(each.name for each in wanted)
        raise RegistryError(f"{target}.{name} cannot be called with ({told}), as its kind is: {error}") from None


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _reason(error: BaseException) -> str:
    """One line: what was raised, and its words."""
    words = " ".join(str(error).split())
    return words if isinstance(error, RegistryError) else f"{type(error).__name__}: {words}"
