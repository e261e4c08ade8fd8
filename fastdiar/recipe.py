"""Recipes: which components make a network, and how it is trained and used.

Files → extends → drop → --set (`core/recipe_files.py`) → every table as the config class of the component that it names
(`core/structure.py`) → `Recipe`. All problems are reported at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs

from fastdiar import registry
from fastdiar.core.component import Part
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError, FastdiarError, FormatError, MissingExtra, Problem, RecipeError, nearest
from fastdiar.core.recipe_files import SET, Origin, Source, read_source, source_of
from fastdiar.core.splits import why_empty
from fastdiar.core.structure import MISSING, KeyPath, StructureError, dotted, shown, structure, unstructure
from fastdiar.core.tables import Trainer, WalkSettings
from fastdiar.core.toml_text import Key, dumps, dumps_key

T = TypeVar("T")

SPLITS = ("train", "dev", "test")
MANY = {
    "data": "dataset",
    "augment": "augmentation",
    "temporal": "temporal",
    "head": "head",
    "loss": "loss",
    "teacher": "teacher",
}
"""Tables of named tables, and the kind of component in each."""

ONE = {"encoder": "encoder", "pooling": "pooling", "export": "exporter"}
"""Tables of one component, and its kind."""

TABLES = ("data", "augment", "encoder", "temporal", "pooling", "head", "loss", "teacher", "trainer", "export", "diarization")

NETWORKLESS = {"data", "diarization"}
"""A recipe of nothing else only says what to listen to, or how to diarize: it needs no network."""


@attrs.frozen
class Recipe:
    """A recipe whose every value was checked. Named parts stand in their order of appearance; paths are absolute."""

    path: Path | None
    data: dict[str, Part]
    augment: dict[str, Part]
    encoder: Part | None
    temporal: dict[str, Part]
    pooling: Part | None
    head: dict[str, Part]
    loss: dict[str, Part]
    teacher: dict[str, Part]
    trainer: Trainer
    export: Part | None
    diarization: WalkSettings
    cluster: Part | None
    origins: dict[Key, Origin] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def table(self) -> dict[str, Any]:
        """Plain TOML values, all defaults filled in."""
        tables: dict[str, Any] = {name: unstructure(getattr(self, name)) for name in TABLES}
        if self.cluster is not None:
            tables["diarization"]["cluster"] = unstructure(self.cluster)
        return {name: table for name, table in tables.items() if table}

    def to_toml(self, origins: bool = False) -> str:
        """A recipe that says all of this one; with `origins`, where each value came from stands behind it."""
        return dumps(self.table, self._origin if origins else lambda key: "")

    def _origin(self, key: Key) -> str:
        return str(self.origins.get(key, "default"))


def read_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read the recipe at `path`, with `overrides` such as "trainer.epochs=3"; raises `RecipeError` with every problem."""
    return _Reader(read_source(Path(path), overrides), Path(path)).recipe()


def read_data_tables(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The `[data.…]` tables alone of the recipe at `path`: its network is not looked at, so that no torch is needed."""
    source = read_source(Path(path), overrides)
    table = {"data": source.table.get("data", {})}
    origins = {key: origin for key, origin in source.origins.items() if key[0] == "data"}
    return _Reader(attrs.evolve(source, table=table, origins=origins), Path(path)).recipe()


def recipe_from_table(table: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """A resolved recipe that was stored with a model or a run; `where` names it in messages."""
    return attrs.evolve(_Reader(source_of(table, where), Path(where)).recipe(), path=None)


def read_part(kind: str, table: Mapping[str, Any], where: str = "recipe") -> Part:
    """One component's table, `use` and the keys of its config; `where` names it in messages. Raises `RecipeError`."""
    return _Reader(source_of({kind: dict(table)}, where), Path(where)).part(kind)


def build_part(recipe: Recipe, key: str, part: Part, *inputs: Any) -> Any:
    """The component that the recipe's table `key` describes; raises `RecipeError` where it does not fit its `inputs`."""
    try:
        return part.build(*inputs)
    except ValueError as error:
        raise RecipeError([Problem(str(error), key, recipe.path)]) from None


def read_data(recipe: Recipe, name: str) -> tuple[Dataset, list[Entry]]:
    """The dataset that `[data.NAME]` describes, and what it lists.

    Raises `RecipeError` where that cannot be read, or is nothing.
    """
    part = recipe.data[name]
    dataset: Dataset = part.build()
    try:
        entries = dataset.entries()
        problem = "" if entries else why_empty(part.config)
    except (DataError, FormatError) as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error.filename}: cannot be read: {error.strerror}"
    if problem:
        raise RecipeError([Problem(problem, f"data.{name}", recipe.path)]) from None
    return dataset, entries


def absent_data(recipe: Recipe) -> list[Problem]:
    """Every file and folder that the data or the augmentations name and that is not here, with the line that names it."""
    parts = {(table, name): part for table in ("data", "augment") for name, part in getattr(recipe, table).items()}
    found = [(key, path) for place, part in parts.items() for key, path in paths_in(part, place) if not path.exists()]
    written = {key: recipe.origins[key] for key, _ in found}
    return [Problem(f"{path}: is not here", dumps_key(key), written[key].path, written[key].line) for key, path in found]


def paths_in(value: Any, key: Key) -> Iterator[tuple[Key, Path]]:
    """Every path in a recipe, or in a part or table of it that stands at `key`, with the keys that lead to it."""
    if isinstance(value, Path):
        yield key, value
    elif isinstance(value, Part):
        yield from paths_in(value.config, key)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from paths_in(each, (*key, name))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from paths_in(each, key)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from paths_in(getattr(value, field.name), (*key, field.name))


class _Reader:
    """Turns a source into a recipe, and collects what is wrong with it."""

    def __init__(self, source: Source, path: Path) -> None:
        self._source = source
        self._path = path
        self._problems = list(source.problems)
        self._lacking: set[str] = set()

    def recipe(self) -> Recipe:
        """The recipe; raises `RecipeError`."""
        table = self._source.table
        for name in table:
            if name not in TABLES:
                self._problem((name,), f"no such table{nearest(name, TABLES) or ': expected one of ' + ', '.join(TABLES)}")
        for name in ("encoder", "head"):
            if not table.get(name) and not (table and table.keys() <= NETWORKLESS):
                self._problem((name,), f"{MISSING}: a recipe needs [{name}{'' if name == 'encoder' else '.NAME'}]")
        many = {name: self._parts(name) for name in MANY}
        one = {name: self._part(kind, (name,)) for name, kind in ONE.items()}
        diarization = dict(self._table(("diarization",)))
        cluster = self._part("clustering", ("diarization", "cluster"))
        diarization.pop("cluster", None)
        trainer = self._trainer()
        walk = self._structured(diarization, WalkSettings, ("diarization",))
        for kind in ("head", "teacher"):
            self._check_named(many["loss"], kind)
        self._check_frozen(trainer.freeze if trainer else ())
        if self._problems or trainer is None or walk is None:
            raise RecipeError(self._sorted())
        fixed = {"trainer": trainer, "diarization": walk, "cluster": cluster}
        return Recipe(path=self._path, origins=self._source.origins, **many, **one, **fixed)  # type: ignore[arg-type]

    def part(self, kind: str) -> Part:
        """The one component of a source that is nothing else; raises `RecipeError`."""
        part = self._part(kind, (kind,))
        if part is None or self._problems:
            raise RecipeError(self._sorted())
        return part

    def _trainer(self) -> Trainer | None:
        trainer = self._structured(self._table(("trainer",)), Trainer, ("trainer",))
        return None if trainer is None else _anchored(trainer, ("trainer",), self._source.origins)

    def _parts(self, name: str) -> dict[str, Part]:
        """The named tables of one kind."""
        parts = {}
        for key in self._table((name,)):
            if name == "data" and key not in SPLITS:
                self._problem((name, key), f"no such table{nearest(key, SPLITS)}: expected one of {', '.join(SPLITS)}")
            elif part := self._part(MANY[name], (name, key)):
                parts[key] = part
        return parts

    def _part(self, kind: str, key: Key) -> Part | None:
        """The component that the table at `key` names; None where there is no such table or it is wrong."""
        table = dict(self._table(key))
        if key not in self._source.origins or self._wrong(key):
            return None
        use = table.pop("use", None)
        if not isinstance(use, str):
            found = MISSING if use is None else f"found {shown(use)}"
            known = ", ".join(registry.names(kind))
            self._problem((*key, "use"), f"{found}: expected a component of kind '{kind}', one of {known}")
            return None
        try:
            component: Any = registry.lookup(kind, use)
        except MissingExtra as error:
            if error.extra not in self._lacking:  # or every component would say it
                self._lacking.add(error.extra)
                self._problem((*key, "use"), str(error))
            return None
        except FastdiarError as error:
            self._problem((*key, "use"), str(error))
            return None
        config = self._structured(self._with_parts(table, component.config_class, key), component.config_class, key)
        return None if config is None else Part(use, _anchored(config, key, self._source.origins), component)

    def _with_parts(self, table: Mapping[str, Any], cls: type, key: Key) -> dict[str, Any]:
        """`table` with the components it names itself as parts: those are in fields whose metadata tells their `kind`."""
        done = dict(table)
        for name, kind in ((field.name, field.metadata["kind"]) for field in attrs.fields(cls) if "kind" in field.metadata):
            if isinstance(table.get(name), Mapping):
                parts = {each: self._part(kind, (*key, name, each)) for each in table[name]}
                done[name] = {each: part for each, part in parts.items() if part}
        return done

    def _structured(self, table: Mapping[str, Any], cls: type[T], key: Key) -> T | None:
        try:
            return structure(table, cls)
        except StructureError as error:
            for path, message in error.problems:
                if not self._wrong_inside((*key, *path)):
                    self._problem((*key, *path), message)
            return None

    def _table(self, key: Key) -> Mapping[str, Any]:
        """The table at `key`; empty where there is none."""
        value: Any = self._source.table
        for part in key:
            value = value.get(part, {}) if isinstance(value, Mapping) else {}
        if isinstance(value, Mapping):
            return value
        if not self._wrong(key):
            self._problem(key, f"expected a table, found {shown(value)}")
        return {}

    def _check_named(self, losses: Mapping[str, Part], kind: str) -> None:
        """The head a loss works on, and the teacher it listens to, are in the recipe."""
        known = self._table((kind,))
        for name, table in self._table(("loss",)).items():
            written = table.get(kind) if isinstance(table, Mapping) else None
            wanted = getattr(losses[name].config, kind, None) if name in losses else written
            if isinstance(wanted, str) and wanted not in known:
                self._problem(("loss", name, kind), f"no [{dumps_key((kind, wanted))}] in the recipe{nearest(wanted, known)}")

    def _check_frozen(self, frozen: Sequence[str]) -> None:
        """What is to stay as it is are parts of the network."""
        parts = [kind for kind in ("encoder", "pooling") if self._table((kind,))]
        parts += [f"{kind}.{name}" for kind in ("temporal", "head") for name in self._table((kind,))]
        for name in frozen:
            if name not in parts:
                known = nearest(name, parts) or f": expected some of {', '.join(parts)}"
                self._problem(("trainer", "freeze"), f"names '{name}', which is no part of this network{known}")

    def _wrong(self, key: Key) -> bool:
        return any(problem.key == dotted(key) for problem in self._problems)

    def _wrong_inside(self, key: KeyPath) -> bool:
        """Whether something in the table at `key` is wrong, so that what is said of the whole tells nothing."""
        return any(problem.key.startswith(f"{dotted(key)}.") for problem in self._problems)

    def _problem(self, key: KeyPath, message: str) -> None:
        if message.startswith(MISSING) and not self._source.whole:
            return
        origins = self._source.origins
        keys = [tuple(map(str, key[:end])) for end in range(len(key), 0, -1)]
        origin = next((origins[each] for each in keys if each in origins), Origin(self._path))
        self._problems.append(Problem(message, dotted(key), origin.path, origin.line))

    def _sorted(self) -> Iterable[Problem]:
        """In the order of the files' lines: the recipe first, what it extends after it, the command line last."""
        paths = list(dict.fromkeys([self._path, *(problem.path for problem in self._problems)]))
        return sorted(self._problems, key=lambda each: (each.path == SET, paths.index(each.path), each.line or 0))


def _anchored(value: Any, key: Key, origins: Mapping[Key, Origin]) -> Any:
    """`value` with its paths made absolute: from the folder of the file that wrote them, or the current one."""
    if isinstance(value, Path):
        return (origins[key].folder / value).resolve()
    if isinstance(value, list | tuple):
        return type(value)(_anchored(each, key, origins) for each in value)
    if attrs.has(type(value)):
        given = [field for field in attrs.fields(type(value)) if (*key, field.name) in origins]
        inside = {field.alias: _anchored(getattr(value, field.name), (*key, field.name), origins) for field in given}
        return attrs.evolve(value, **inside)
    return value
