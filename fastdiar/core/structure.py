"""Plain TOML values into frozen attrs classes, and back: strictly, and with every problem at once.

cattrs finds the rule for a type. The rules are ours, because as it comes cattrs turns "false" into True, 2.9 into 2, and
hides a table's other problems behind an unknown key.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
from cattrs import BaseConverter

from fastdiar.core.component import Part
from fastdiar.core.errors import FastdiarError, nearest
from fastdiar.core.toml_text import dumps_key, dumps_value

T = TypeVar("T")
KeyPath = tuple[str | int, ...]
Problems = list[tuple[KeyPath, str]]

MISSING = "missing"
"""What the message of a key that is not there begins with."""
UNITS = ("dB", "Hz", "kbit/s", "milliseconds", "radians", "samples", "seconds", "semitones", "spectra", "steps")
"""What stands in brackets in a key's help, where it has a unit."""


class StructureError(FastdiarError):
    """Everything wrong with a table: `problems` are (path of keys, message)."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        super().__init__(problems)

    def __str__(self) -> str:
        return "\n".join(f"{dotted(path)}: {message}" if path else message for path, message in self.problems)


def structure(table: Mapping[str, Any], cls: type[T]) -> T:
    """`table` as an instance of the attrs class `cls`; raises `StructureError` with every problem.

    Scalars are strict: no text for a number, no bool for a number, no fraction for a whole number; a whole number for a
    fraction is fine. Unknown keys are refused. The words of the class's validators are kept.
    """
    return _CONVERTER.structure(table, cls)


def unstructure(value: Any) -> Any:
    """A value of a config, or a whole one, as plain TOML values: paths as text, tuples as lists, None left out of tables."""
    return _CONVERTER.unstructure(value)


def type_words(kind: Any) -> str:
    """A type in words: "a whole number", "a list of texts"."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _WORDS:
        return _WORDS[kind]
    if origin is Literal:
        return "one of " + ", ".join(map(shown, inner))
    if origin in (Union, types.UnionType):
        return " or ".join(type_words(each) for each in inner if each is not types.NoneType)
    if origin in (list, tuple) and (origin is list or inner[-1] is Ellipsis):
        return f"a list, each {type_words(inner[0])}"
    if origin is tuple:
        return f"a list of {len(inner)}: {', '.join(map(type_words, inner))}"
    return "a table"


def described(config: type) -> list[dict[str, Any]]:
    """The keys of a config as people are told of them: type, default, unit and meaning, as plain values."""
    return [_key(field) for field in attrs.fields(attrs.resolve_types(config))]


def shown(value: Any) -> str:
    """A TOML or JSON value as a message shows it: on one line, and short."""
    if value is None:
        return "null"  # TOML has none, JSON does
    if isinstance(value, Mapping | list):
        return "a table" if isinstance(value, Mapping) else "a list"
    text = dumps_value(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def dotted(path: KeyPath) -> str:
    """`("encoder", "channels", 2)` as `encoder.channels[2]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{dumps_key((part,))}" for part in path).removeprefix(".")


_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    Any: "anything",
}


def _key(field: attrs.Attribute[Any]) -> dict[str, Any]:
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory()
    required, words = default is attrs.NOTHING, field.metadata.get("help", "")
    return {
        "key": field.name,
        "type": "named tables of components" if "kind" in field.metadata else type_words(field.type),
        "components": field.metadata.get("kind"),
        "required": required,
        "default": None if required or default is None else unstructure(default),
        "unit": _unit(words),
        "help": words,
    }


def _unit(words: str) -> str | None:
    """What a number is counted in, as its help says it: "length of a window (seconds)"."""
    told = [part.strip() for group in re.findall(r"\(([^()]*)\)", words) for part in group.split(",")]
    return next((each for each in told if each in UNITS), None)


def _expected(kind: Any, value: Any) -> StructureError:
    return StructureError([((), f"expected {type_words(kind)}, found {shown(value)}")])


def _scalar(value: Any, kind: Any) -> Any:
    """bool, int, float, str or Path, and nothing that only looks like it."""
    if kind is Path and type(value) is str and "\0" not in value:
        return Path(value)
    if kind is float and type(value) is int and abs(value) < 1 << 53:
        return float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise _expected(kind, value)
    return value


def _literal(value: Any, kind: Any) -> Any:
    allowed = get_args(kind)
    for each in allowed:
        if type(each) is type(value) and each == value:
            return each
    hint = nearest(value, [each for each in allowed if isinstance(each, str)]) if isinstance(value, str) else ""
    raise StructureError([((), f"expected {type_words(kind)}, found {shown(value)}{hint}")])


def _union(value: Any, kind: Any) -> Any:
    """The first member that fits; where a table was meant, its own problems."""
    members = [each for each in get_args(kind) if each is not types.NoneType]
    problems: list[StructureError] = []
    for each in members:
        try:
            return _CONVERTER.structure(value, each)
        except StructureError as error:
            problems.append(error)
    raise problems[0] if len(members) == 1 else _expected(kind, value)


def _sequence(value: Any, kind: Any) -> Any:
    """A list, a tuple of any length, or a tuple of a fixed one."""
    inner, origin = get_args(kind), get_origin(kind)
    fixed = origin is tuple and inner[-1] is not Ellipsis
    if not isinstance(value, list) or (fixed and len(value) != len(inner)):
        found = f"a list of {len(value)}" if isinstance(value, list) else shown(value)
        raise StructureError([((), f"expected {type_words(kind)}, found {found}")])
    kinds = inner if fixed else (inner[0],) * len(value)
    return origin(_each(dict(enumerate(value)), dict(enumerate(kinds))).values())


def _mapping(value: Any, kind: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _expected(kind, value)
    return _each(dict(value), dict.fromkeys(value, get_args(kind)[1]))


def _each(values: dict[Any, Any], kinds: dict[Any, Any]) -> dict[Any, Any]:
    """Every value as its kind; the problems of all of them."""
    done: dict[Any, Any] = {}
    problems: Problems = []
    for key, value in values.items():
        try:
            done[key] = _CONVERTER.structure(value, kinds[key])
        except StructureError as error:
            problems += [((key, *path), message) for path, message in error.problems]
    if problems:
        raise StructureError(problems)
    return done


def _attrs_class(table: Any, cls: Any) -> Any:
    """A table as an attrs class. Every check runs, whatever others found. What was structured before stays as it is."""
    if isinstance(table, cls):
        return table
    if not isinstance(table, Mapping):
        raise _expected(cls, table)
    fields = {field.name: field for field in attrs.fields(attrs.resolve_types(cls)) if field.init}
    problems: Problems = [((key,), _unknown(key, fields)) for key in table if key not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in table:
            try:
                values[name] = _CONVERTER.structure(table[name], field.type)
            except StructureError as error:
                problems += [((name, *path), message) for path, message in error.problems]
        elif field.default is attrs.NOTHING:
            problems.append(((name,), f"{MISSING}: expected {type_words(field.type)}"))
    sound = values.keys() | (
        fields.keys() - table.keys() - {name for name, field in fields.items() if field.default is attrs.NOTHING}
    )
    problems += _invalid(cls, fields, values, sound)
    if not problems:
        try:
            return cls(**{fields[name].alias: value for name, value in values.items()})
        except (ValueError, TypeError) as error:
            problems.append(((), _reason(error)))
    raise StructureError(problems)


def _unknown(key: str, fields: Mapping[str, Any]) -> str:
    hint = nearest(key, fields) or f": expected one of {', '.join(fields)}" if fields else ": there are none here"
    return f"unknown key{hint}"


def _invalid(cls: Any, fields: Mapping[str, attrs.Attribute[Any]], values: Mapping[str, Any], sound: Collection[str]) -> Problems:
    """What the validators of the `sound` fields say: all of them, where attrs would stop at the first."""
    instance = cls.__new__(cls)
    for name, field in fields.items():
        object.__setattr__(instance, name, values[name] if name in values else _default(field, instance))
    problems: Problems = []
    for name, field in fields.items():
        if field.validator is not None and name in sound:
            try:
                field.validator(instance, field, getattr(instance, name))
            except Exception as error:  # noqa: BLE001 - a validator is a plugin's: whatever it raises is about this key
                if isinstance(error, ValueError) or len(sound) == len(fields):  # else it may only have missed another key
                    problems.append(((name,), _reason(error).removeprefix(f"'{name}' ")))
    return problems


def _default(field: attrs.Attribute[Any], instance: Any) -> Any:
    """A field's default, for other fields' validators to compare with; None where it has none."""
    if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
        return field.default.factory(*[instance] * field.default.takes_self)  # type: ignore[union-attr]
    return None if field.default is attrs.NOTHING else field.default


def _reason(error: Exception) -> str:
    """What a validator said; attrs' own put the message first and the parts it speaks of behind it."""
    return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)


def _plain(instance: Any) -> dict[str, Any]:
    pairs = ((field.name, getattr(instance, field.name)) for field in attrs.fields(type(instance)) if field.init)
    return {name: _CONVERTER.unstructure(value) for name, value in pairs if value is not None}


def _part(part: Part) -> dict[str, Any]:
    """As the table of a recipe that names the component."""
    return {"use": part.use, **_CONVERTER.unstructure(part.config)}


def _converter() -> BaseConverter:
    converter = BaseConverter()
    for scalar in (bool, int, float, str, Path):
        converter.register_structure_hook(scalar, _scalar)
    rules: list[tuple[Callable[[Any], bool], Callable[[Any, Any], Any]]] = [
        (attrs.has, _attrs_class),
        (lambda kind: get_origin(kind) is Literal, _literal),
        (lambda kind: get_origin(kind) in (Union, types.UnionType), _union),
        (lambda kind: get_origin(kind) in (list, tuple), _sequence),
        (lambda kind: get_origin(kind) is dict, _mapping),
    ]
    for holds, rule in rules:
        converter.register_structure_hook_func(holds, rule)
    converter.register_unstructure_hook_func(attrs.has, _plain)
    converter.register_unstructure_hook(Part, _part)
    converter.register_unstructure_hook(Path, str)
    converter.register_unstructure_hook(tuple, lambda values: [converter.unstructure(value) for value in values])
    return converter


_CONVERTER = _converter()
