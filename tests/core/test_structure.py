"""Structuring: strict values, and every problem of a table at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from attrs import field, validators
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.structure import StructureError, structure, unstructure
from fastdiar.core.tables import Trainer, WalkSettings


@attrs.frozen
class Inner:
    size: int = field(default=1, validator=validators.ge(1))


@attrs.frozen
class Every:
    flag: bool = True
    count: int = 0
    share: float = 0.5
    word: str = ""
    place: Path = Path()
    mode: Literal["fast", "slow"] = "fast"
    maybe: int | None = None
    either: float | Literal["auto"] = "auto"
    pair: tuple[int, float] = (1, 2.0)
    many: tuple[float, ...] = ()
    texts: list[str] = field(factory=list)
    inner: Inner = field(factory=Inner)
    named: dict[str, int] = field(factory=dict)
    items: tuple[Inner, ...] = ()


@attrs.frozen
class Range:
    high: int
    low: int = field(default=3)

    @low.validator
    def _below(self, attribute: Any, value: int) -> None:
        if value > self.high:
            raise ValueError(f"must be at most high: {value}")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("flag", "false", 'expected true or false, found "false"'),
        ("flag", 1, "expected true or false, found 1"),
        ("count", 2.9, "expected a whole number, found 2.9"),
        ("count", 2.0, "expected a whole number, found 2.0"),
        ("count", "3", 'expected a whole number, found "3"'),
        ("count", True, "expected a whole number, found true"),
        ("share", True, "expected a number, found true"),
        ("share", "0.5", 'expected a number, found "0.5"'),
        ("share", float("nan"), "expected a number, found nan"),
        ("share", 10**400, "expected a number, found 1000"),
        ("word", 3, "expected text, found 3"),
        ("place", 3, "expected a path, found 3"),
        ("mode", "fastt", 'expected one of "fast", "slow", found "fastt" (did you mean \'fast\'?)'),
        ("mode", ["fast"], 'expected one of "fast", "slow", found a list'),
        ("maybe", "x", 'expected a whole number, found "x"'),
        ("either", "auto?", 'expected a number or one of "auto", found "auto?"'),
        ("pair", [1], "expected a list of 2: a whole number, a number, found a list of 1"),
        ("pair", "12", 'expected a list of 2: a whole number, a number, found "12"'),
        ("many", "123", 'expected a list, each a number, found "123"'),
        ("inner", 3, "expected a table, found 3"),
        ("named", [1], "expected a table, found a list"),
    ],
)
def test_a_wrong_value_is_refused_in_words(key: str, value: Any, message: str) -> None:
    with pytest.raises(StructureError) as caught:
        structure({key: value}, Every)
    ((path, found),) = caught.value.problems
    assert path == (key,)
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({"many": [1, 2, "3"]}, ("many", 2)),
        ({"inner": {"size": 0}}, ("inner", "size")),
        ({"inner": {"sise": 1}}, ("inner", "sise")),
        ({"named": {"a": 1, "b": "2"}}, ("named", "b")),
        ({"items": [{}, {"size": False}]}, ("items", 1, "size")),
    ],
)
def test_a_problem_inside_is_found_by_its_path(table: dict[str, Any], path: tuple[str | int, ...]) -> None:
    with pytest.raises(StructureError) as caught:
        structure(table, Every)
    assert [found for found, _ in caught.value.problems] == [path]


def test_all_problems_come_at_once() -> None:
    wrong = {"weigth_decay": 1, "epochs": 0, "batch_size": "3", "seconds": [5, 3], "optimizer": "adam", "seed": -1}
    with pytest.raises(StructureError) as caught:
        structure(wrong, Trainer)
    assert dict(caught.value.problems) == {
        ("weigth_decay",): "unknown key (did you mean 'weight_decay'?)",
        ("epochs",): "must be >= 1: 0",
        ("batch_size",): 'expected a whole number, found "3"',
        ("seconds",): "must be two lengths in seconds, shortest first, above 0: [5.0, 3.0]",
        ("optimizer",): 'expected one of "adamw", found "adam" (did you mean \'adamw\'?)',
        ("seed",): "must be >= 0: -1",
    }


def test_a_missing_key_is_reported_beside_other_problems() -> None:
    with pytest.raises(StructureError) as caught:
        structure({"low": "x", "hihg": 1}, Range)
    assert dict(caught.value.problems) == {
        ("hihg",): "unknown key (did you mean 'high'?)",
        ("high",): "missing: expected a whole number",
        ("low",): 'expected a whole number, found "x"',
    }


@pytest.mark.parametrize("table", [{"high": 1}, {"high": 1, "low": 2}])
def test_a_validator_sees_other_keys_and_defaults(table: dict[str, int]) -> None:
    with pytest.raises(StructureError, match=r"low: must be at most high: [23]"):
        structure(table, Range)


def test_a_validator_that_needs_a_missing_key_stays_silent() -> None:
    with pytest.raises(StructureError) as caught:
        structure({"low": 2}, Range)
    assert caught.value.problems == [(("high",), "missing: expected a whole number")]


def test_a_class_without_keys_says_so() -> None:
    @attrs.frozen
    class Nothing:
        pass

    with pytest.raises(StructureError, match="size: unknown key: there are none here"):
        structure({"size": 1}, Nothing)


def test_what_a_value_shows_stays_on_one_line() -> None:
    with pytest.raises(StructureError) as caught:
        structure({"count": "a\nb\x1b[31m" + "c" * 100}, Every)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 120


_number = st.floats(allow_nan=False, allow_infinity=False)
_every = st.builds(
    Every,
    flag=st.booleans(),
    count=st.integers(),
    share=_number,
    word=st.text(),
    place=st.text("abc/.", min_size=1).map(Path),
    mode=st.sampled_from(["fast", "slow"]),
    maybe=st.none() | st.integers(),
    either=_number | st.just("auto"),
    pair=st.tuples(st.integers(), _number),
    many=st.lists(_number).map(tuple),
    texts=st.lists(st.text()),
    inner=st.builds(Inner, st.integers(1)),
    named=st.dictionaries(st.text(), st.integers()),
    items=st.lists(st.builds(Inner, st.integers(1))).map(tuple),
)


@given(_every)
def test_what_is_unstructured_structures_back(instance: Every) -> None:
    assert structure(unstructure(instance), Every) == instance


def test_defaults_of_the_fixed_tables_hold() -> None:
    assert structure({}, Trainer) == Trainer()
    assert structure({"chunk": 8}, WalkSettings) == WalkSettings(chunk=8.0)
