"""What components of every kind promise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

import attrs

from fastdiar.core.errors import RecipeError
from fastdiar.core.structure import unstructure
from fastdiar.recipe import read_part
from fastdiar.testing.subject import Subject, hold

TABLES = (dict, Mapping)
"""What is a table in a recipe."""


def explains_itself(subject: Subject) -> None:
    """The class and its config have docstrings, and metadata={"help": …} says what each key means."""
    config = type(subject.config)
    silent = [each.__name__ for each in (subject.component, config) if not (each.__dict__.get("__doc__") or "").strip()]
    hold(not silent, f"no docstring on {' and '.join(silent)}")
    unexplained = [field.name for field in attrs.fields(config) if not field.metadata.get("help")]
    hold(not unexplained, f"no help for {', '.join(unexplained)}")


def config_comes_back(subject: Subject) -> None:
    """Written into a recipe and read again, the config is the same."""
    table = {"use": subject.name, **unstructure(subject.config)}
    again = read_part(subject.kind, table).config
    hold(again == subject.config, f"{again} instead of {subject.config}")


def config_is_strict(subject: Subject) -> None:
    """A key that does not exist is refused, and so is a table where a value should be."""
    table = {"use": subject.name, **unstructure(subject.config)}
    fields = attrs.fields(attrs.resolve_types(type(subject.config)))
    wrong = {"no-such-key": 1} | {field.name: {"no-such-key": 1} for field in fields if get_origin(field.type) not in TABLES}
    taken = [key for key, value in wrong.items() if not _refused(subject.kind, table | {key: value})]
    hold(not taken, f"{', '.join(taken)}: took what makes no sense: is the type told?")


def paths_are_of_the_recipe(subject: Subject) -> None:
    """A key whose default is a path has it relative to the recipe that sets it: so there is no default but none."""
    paths = [field for field in attrs.fields(type(subject.config)) if isinstance(field.default, Path)]
    hold(not paths, f"{', '.join(field.name for field in paths)}: the default is a path of whoever starts fastdiar")


PROMISES = (explains_itself, config_comes_back, config_is_strict, paths_are_of_the_recipe)


def _refused(kind: str, table: dict[str, Any]) -> bool:
    try:
        read_part(kind, table)
    except RecipeError:
        return True
    return False
