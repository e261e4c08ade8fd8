"""`fastdiar plugins`: which components there are."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

HEADERS = {
    "dataset": "data.train",
    "augmentation": "augment.{name}",
    "encoder": "encoder",
    "temporal": "temporal.{name}",
    "pooling": "pooling",
    "head": "head.{name}",
    "loss": "loss.{name}",
    "teacher": "teacher.{name}",
    "exporter": "export",
    "clustering": "diarization.cluster",
}
"""The table of a recipe that uses a component of a kind."""
PAPER = re.compile(r"[A-Z][\w'-]+(?: et al\.|,? and [A-Z][\w'-]+),[^()]*?\b(?:19|20)\d\d\b")


def kinds(incomplete: str) -> list[str]:
    """For shells: the kinds that begin so."""
    from fastdiar.core.component import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def names(context: typer.Context, incomplete: str) -> list[str]:
    """For shells: the components of the kind before that begin so."""
    from fastdiar import registry

    return [name for name in registry.names(context.params.get("kind") or "") if name.startswith(incomplete)]


def plugins(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="Only this kind, such as encoder.", autocompletion=kinds)
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="All about this component.", autocompletion=names)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    tried: Annotated[bool, typer.Option("--check", help="Try what its kind promises, and tell what it does not keep.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A key of its config for --check, such as root=voices.")
    ] = None,
) -> None:
    """List the components for recipes, or tell all of one.

    That is its keys, its file, its paper, and how a recipe uses it.

    Example: fastdiar plugins encoder rescnn
    """
    from fastdiar.core.errors import RegistryError, nearest
    from fastdiar.registry import KINDS

    if kind is not None and kind not in KINDS:
        raise RegistryError(f"no kind '{kind}'{nearest(kind, KINDS)}: expected one of {', '.join(KINDS)}")
    if tried:
        if not (kind and name):
            raise RegistryError("--check: expected a KIND and a NAME before it, such as encoder rescnn")
        typer.echo(_kept(kind, name, settings or ()))
    elif kind and name:
        report = _component(kind, name)
        typer.echo(json.dumps(report, indent=2) if as_json else _component_text(report))
    else:
        listing = _listing(kind)
        typer.echo(json.dumps(listing, indent=2) if as_json else _listing_text(listing))


def _kept(kind: str, name: str, settings: Sequence[str]) -> str:
    """How many promises a component keeps; raises `RegistryError` with a line for all that it does not for one reason."""
    from fastdiar.core.errors import RecipeError, RegistryError
    from fastdiar.core.recipe_files import written
    from fastdiar.testing import ConformanceError, check, promised

    for text in settings:
        if "=" not in text:
            raise RegistryError(f"--set {text}: expected KEY=VALUE, such as root=voices")
    config = {key: written(value) for key, _, value in (text.partition("=") for text in settings)}
    try:
        check(kind, name, config)
    except ConformanceError as error:
        broken: dict[str, list[str]] = {}
        for each in error.failures:
            broken.setdefault(each.came, []).append(each.promise.name)
        raise RegistryError("\n".join(f"{kind} {name}: {_first(broken[came])}: {came}" for came in broken)) from None
    except RecipeError as error:
        hint = "" if settings else f"\n{kind} {name}: tell it what it needs with --set, such as --set root=voices"
        raise RegistryError(f"{error}{hint}") from None
    return f"{kind} {name}: keeps all that its kind promises: {', '.join(each.name for each in promised(kind))}"


def _first(promises: Sequence[str]) -> str:
    return promises[0] if len(promises) == 1 else f"{promises[0]} and {len(promises) - 1} more"


def _listing(kind: str | None) -> dict[str, Any]:
    """Components and broken plugins. Those of third parties are imported, so that what is broken shows."""
    from fastdiar import registry
    from fastdiar.core.errors import FastdiarError

    for each in registry.listed():
        if "/" in each.name:
            try:
                registry.lookup(each.component.kind, each.name)
            except FastdiarError:
                continue
    components = [
        {"kind": each.component.kind, "name": each.name, "summary": each.component.summary, "origin": each.origin}
        for each in registry.listed()
        if kind in (None, each.component.kind)
    ]
    broken = [{"name": each.name, "origin": each.origin, "reason": each.reason} for each in registry.broken()]
    return {"components": components, "broken": broken}


def _listing_text(listing: dict[str, Any]) -> str:
    lines: list[str] = []
    width = max((len(each["name"]) for each in listing["components"]), default=0)
    for kind in dict.fromkeys(each["kind"] for each in listing["components"]):
        lines += ["", kind]
        for each in listing["components"]:
            if each["kind"] == kind:
                origin = "" if each["origin"] == "fastdiar" else f"  ({each['origin']})"
                lines.append(f"  {each['name']:{width}}  {each['summary']}{origin}")
    if listing["broken"]:
        lines += ["", "broken"]
        lines += [f"  {each['name']} ({each['origin']}): {each['reason']}" for each in listing["broken"]]
    return "\n".join(lines).lstrip("\n")


def _component(kind: str, name: str) -> dict[str, Any]:
    """What one component is, and its config keys."""
    from fastdiar import registry
    from fastdiar.core.structure import described

    component: Any = registry.lookup(kind, name)
    words = inspect.cleandoc(component.__doc__ or "")
    (found,) = [each for each in registry.listed() if (each.component.kind, each.name) == (kind, name)]
    report = {
        "kind": kind,
        "name": name,
        "summary": found.component.summary,
        "origin": found.origin,
        "description": words,
        "papers": [" ".join(paper.split()) for paper in PAPER.findall(words)],
        "file": inspect.getsourcefile(component),
        "keys": described(component.config_class),
    }
    return {**report, "recipe": "\n".join(_snippet(report))}


def _component_text(report: dict[str, Any]) -> str:
    from fastdiar.core.toml_text import dumps_value

    lines = [
        f"{report['kind']} {report['name']} ({report['origin']}): {report['summary']}",
        "",
        *report["description"].splitlines(),
    ]
    lines += ["", f"file: {report['file']}", *(f"paper: {paper}" for paper in report["papers"]), ""]
    for key in report["keys"]:
        default = "no default" if key["default"] is None else f"default {dumps_value(key['default'])}"
        unit = f" {key['unit']}" if key["unit"] and isinstance(key["default"], int | float) else ""
        lines.append(
            f"  {key['key']}: {key['type']}, {'required' if key['required'] else default + unit}. {key['help']}".rstrip()
        )
    return "\n".join([*lines, "", report["recipe"]])


def _snippet(report: dict[str, Any]) -> list[str]:
    """How a recipe uses it: the defaults as they are, what is required to be filled in."""
    from fastdiar.core.toml_text import dumps_value

    header = HEADERS[report["kind"]].format(name=report["name"].rpartition("/")[2])
    lines = [f"[{header}]", f"use = {dumps_value(report['name'])}"]
    tables = [key for key in report["keys"] if key["components"]]
    for key in (key for key in report["keys"] if key not in tables):
        if key["required"]:
            lines.append(f'{key["key"]} = "..."  # required: {key["type"]}')
        elif key["default"] is not None:
            lines.append(f"{key['key']} = {dumps_value(key['default'])}")
    for key in tables:
        lines += ["", f"[{header}.{key['key']}.NAME]", f'use = "..."  # required: a component of kind {key["components"]}']
    return lines
