"""The TOML writer and the finder of lines, held against the standard library's reader."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.toml_lines import key_lines, key_path
from fastdiar.core.toml_text import dumps, dumps_key

KEY = st.text(max_size=8) | st.sampled_from(["a", "b-c", "1", "a.b", '"', "'", "#", "=", "[x]", "C:\\x41b", "\x7f", "\x00"])
SCALAR = (
    st.booleans()
    | st.integers()
    | st.integers(10**30, 10**40)
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["C:\\x41b", "\x7f", "\x00\x1f", '"""', "'''", "# no", "a\r\nb", "\\", "é\u2028🎤"])
    | st.dates()
    | st.times()
    | st.datetimes()
)
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4), max_leaves=12)
TABLE = st.dictionaries(KEY, VALUE, max_size=5)


@given(TABLE)
def test_what_is_written_reads_back(table: dict[str, Any]) -> None:
    assert tomllib.loads(dumps(table)) == table


@given(TABLE)
def test_comments_change_nothing(table: dict[str, Any]) -> None:
    assert tomllib.loads(dumps(table, dumps_key)) == table


def test_not_a_number_reads_back() -> None:
    assert math.isnan(tomllib.loads(dumps({"a": math.nan}))["a"])


@pytest.mark.parametrize("value", [None, object(), {1, 2}, [None]])
def test_what_toml_has_no_value_for_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="TOML has no value for"):
        dumps({"a": value})


@given(st.lists(KEY, min_size=1, max_size=4).map(tuple))
def test_a_path_of_keys_reads_back(path: tuple[str, ...]) -> None:
    assert key_path(dumps_key(path)) == path


@pytest.mark.parametrize("text", ["", ".", "a.", "a b", "[a]", "a = 1", '"a', "é"])
def test_what_is_no_key_is_none(text: str) -> None:
    assert key_path(text) is None


@given(TABLE)
def test_every_key_is_on_the_line_that_begins_with_it(table: dict[str, Any]) -> None:
    text = dumps(table)
    written = text.split("\n")
    lines = key_lines(text)
    for key, value in table.items():
        if isinstance(value, dict):
            if (key,) in lines:
                assert written[lines[key,] - 1] == f"[{dumps_key((key,))}]"
        else:
            assert written[lines[key,] - 1].startswith(f"{dumps_key((key,))} = ")


def test_lines_are_found_among_everything_that_toml_allows() -> None:
    text = '''# [no] = 1
top = 1  # other = 2
[ table . "quoted ] key" ]  # [not.this]
text = """
fake = 1
[fake]
\\""" "" """""
raw = \'\'\'
[fake2]
\'\'\'
list = [  # fake3 = 1
  "a = 1]", # ]
  [1, {b = 2}],
]
inline = {x = 1, "y" = {z = "}"}}
a."b.c".d = 2
[[many]]
first = 1
[[many]]
first = 2
'last' = 3'''
    tomllib.loads(text)
    assert key_lines(text) == {
        ("top",): 2,
        ("table", "quoted ] key"): 3,
        ("table", "quoted ] key", "text"): 4,
        ("table", "quoted ] key", "raw"): 8,
        ("table", "quoted ] key", "list"): 11,
        ("table", "quoted ] key", "inline"): 15,
        ("table", "quoted ] key", "a"): 16,
        ("table", "quoted ] key", "a", "b.c"): 16,
        ("table", "quoted ] key", "a", "b.c", "d"): 16,
        ("many",): 17,
        ("many", "first"): 18,
        ("many", "last"): 21,
    }
