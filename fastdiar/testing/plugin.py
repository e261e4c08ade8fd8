"""`pytest --fastdiar-package acme`: a test for each promise of each component of the plugin `acme`.

What a component needs to be told comes from a hook in the package's conftest.py, which gives keys as in a recipe's table:

    def pytest_fastdiar_config(kind, name, folder):
        if name == "acme/corpus":
            return {"root": str(made_in(folder))}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fastdiar.testing.conformance import Promise
    from fastdiar.testing.subject import Subject

OWN = "fastdiar"
"""The package whose components have no prefix."""


class Hooks:
    """What a conftest.py can tell."""

    @pytest.hookspec(firstresult=True)
    def pytest_fastdiar_config(self, kind: str, name: str, folder: Path) -> dict[str, Any] | None:
        """The config that a component is tried with; `folder` is empty, and its own. None leaves all at its default."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Make the hook known."""
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that asks for a package."""
    words = "Try everything that the components of this fastdiar plugin promise."
    parser.getgroup("fastdiar").addoption("--fastdiar-package", action="append", default=[], metavar="NAME", help=words)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the packages' tests behind those that were collected."""
    for package in config.getoption("--fastdiar-package"):
        items.extend(_items(session, package))


class BrokenPlugin(pytest.Item):
    """A test that fails since there is nothing to try."""

    def __init__(self, reason: str, **keys: Any) -> None:
        super().__init__(**keys)
        self.reason = reason

    def runtest(self) -> None:
        """Fail."""
        pytest.fail(self.reason, pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """What the summary calls it."""
        return self.path, None, self.name


class Components(pytest.Collector):
    """One component's tests, which share its config."""

    def __init__(self, kind: str, component: str, **keys: Any) -> None:
        super().__init__(**keys)
        self.kind, self.component = kind, component
        self._subject: Subject | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """A test a promise."""
        from fastdiar.testing.conformance import promised

        for promise in promised(self.kind):
            yield Kept.from_parent(self, name=f"{promise.name}[{self.kind} {self.component}]", promise=promise)

    def subject(self, config: pytest.Config) -> Subject:
        """The component with the config that the package's hook tells."""
        from fastdiar.testing.subject import subject_of

        if self._subject is None:
            factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]
            folder = factory.mktemp(self.kind)
            told = config.hook.pytest_fastdiar_config(kind=self.kind, name=self.component, folder=folder)
            self._subject = subject_of(self.kind, self.component, told)
        return self._subject


class Kept(pytest.Item):
    """The test of one promise."""

    parent: Components

    def __init__(self, promise: Promise, **keys: Any) -> None:
        super().__init__(**keys)
        self.promise = promise

    def runtest(self) -> None:
        """Try it; skipped where it asks for nothing, or a library lacks."""
        from fastdiar.core.errors import FastdiarError, MissingExtra
        from fastdiar.testing.conformance import Failure
        from fastdiar.testing.subject import Broken, Inapplicable

        try:
            subject = self.parent.subject(self.config)
            self.promise.keep(subject)
            return
        except (Inapplicable, MissingExtra) as error:
            pytest.skip(str(error))
        except Broken as error:
            told = str(Failure(subject, self.promise, str(error)))
        except FastdiarError as error:
            told = f"{error}\nWhat it needs to be told can come from pytest_fastdiar_config in conftest.py."
        pytest.fail(told, pytrace=False)  # out here, or pytest would tell of the exception that brought it, too

    def reportinfo(self) -> tuple[Path, None, str]:
        """What the summary calls it."""
        return self.path, None, self.name


def _items(session: pytest.Session, package: str) -> Iterator[pytest.Item]:
    """The tests of a package's components, and one that fails for each that is broken."""
    from fastdiar import registry
    from fastdiar.core.errors import FastdiarError, MissingExtra

    of = [each for each in registry.listed() if (each.name.rpartition("/")[0] or OWN) == package]
    for each in of:
        try:
            registry.lookup(each.component.kind, each.name)
        except MissingExtra:
            pass
        except FastdiarError:
            continue
        parent = Components.from_parent(session, name=each.name, kind=each.component.kind, component=each.name)
        yield from parent.collect()
    broken = [
        f"{each.name} is broken: {each.reason} (from {each.origin})" for each in registry.broken() if _of(each.name, package)
    ]
    if not of and not broken:
        others = ", ".join(registry.installed().plugins()) or "none"
        broken = [f"no plugin '{package}' of fastdiar is installed, or it has no components: there is {others}"]
    for reason in broken:
        yield BrokenPlugin.from_parent(session, name=f"is_there[{package}]", reason=reason)


def _of(name: str, package: str) -> bool:
    """Whether what is broken, "acme" or "encoder acme/x", is of a package."""
    return name.rpartition(" ")[2].partition("/")[0] == package
