"""The public surface, held against a checked-in list: what docs/api.md promises does not change by accident.

After a change that is meant, rewrite the list and read what differs: `FASTDIAR_GOLDEN=write pytest tests/test_api_surface.py`
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fastdiar

griffe = pytest.importorskip("griffe")

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MODULES = re.findall(r"^\| `(fastdiar[\w.]*)` \|", PAGE, re.MULTILINE)
"""What docs/api.md calls public."""
CONSTANTS = {"HOOK_VERSION", "KINDS", "RATE", "SUFFIXES", "hookimpl"}
"""The public ones of modules that do not say in `__all__` what they give out."""
SHORT = 40
"""Letters; the value of a name is told where it is shorter."""


@pytest.fixture(scope="module")
def surface() -> list[str]:
    """A line for each public name, with what it takes and gives. The sources are read, nothing is imported."""
    package = griffe.load(
        "fastdiar", search_paths=[Path(fastdiar.__file__).parents[1]], allow_inspection=False, resolve_aliases=True
    )
    inner = [module.removeprefix("fastdiar.") for module in MODULES[1:]]
    return [line for module in (package, *(package[name] for name in inner)) for line in _module(module)]


def test_public_names_and_signatures_are_those_of_the_list(surface: list[str], golden: Callable[[str, str], None]) -> None:
    golden("api.txt", "".join(f"{line}\n" for line in surface))


def test_the_list_tells_classes_methods_fields_and_functions(surface: list[str]) -> None:
    assert len(MODULES) >= 8 and len(set(surface)) == len(surface)
    assert {
        "fastdiar.load(model: str | Path = DEFAULT_MODEL, threads: int = 1, provider: Provider = 'cpu') -> Diarizer",
        "fastdiar.core.dataset.Dataset.entries() -> list[Entry]",
        "fastdiar.core.dataset.Entry.start: float = 0.0",
        "class fastdiar.core.errors.MissingExtra(FastdiarError)",
    } <= set(surface)


def test_what_the_documentation_imports_is_public(surface: list[str]) -> None:
    names = {re.sub(r"^class |[(:= ].*$", "", line) for line in surface}
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    blocks = [
        (page.name, block) for page in pages for block in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    ]
    imported = {(page, name) for page, block in blocks for name in _imports(block)}
    assert len(imported) > 10
    assert [(page, name) for page, name in sorted(imported) if name not in names and name not in MODULES] == []


def _imports(block: str) -> Iterator[str]:
    """Every name of fastdiar that a block of Python imports."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "fastdiar":
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _module(module: Any) -> Iterator[str]:
    for name, member in sorted(module.members.items()):
        own = not name.startswith("_") and not member.is_alias and (member.is_class or member.is_function or name in CONSTANTS)
        if own if module.exports is None else name in module.exports:
            target = member.final_target if member.is_alias else member
            yield from [] if target.path in MODULES else _member(f"{module.path}.{name}", target)


def _member(path: str, member: Any) -> Iterator[str]:
    assert not member.is_module, f"{path} is a module, and cannot be anything else"
    if member.is_class:
        bases = ", ".join(str(base) for base in member.bases)
        yield f"class {path}({bases})" if bases else f"class {path}"
        for name, each in sorted(member.members.items()):
            if not each.is_alias and (not name.startswith("_") or name in {"__init__", "__call__"}):
                yield from _member(f"{path}.{name}", each)
    elif member.is_function:
        yield f"{path}{str(member.signature(return_type=True)).removeprefix(member.name)}"
    elif "property" in member.labels:
        yield f"{path} -> {member.annotation}"
    else:
        value = f" = {member.value}" if member.value is not None and len(str(member.value)) < SHORT else ""
        yield f"{path}{'' if member.annotation is None else f': {member.annotation}'}{value}"
