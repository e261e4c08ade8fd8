"""Work in several processes, one of which may die."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator

import pytest

from fastdiar.core.processes import in_processes


def test_every_item_comes_back_with_its_result() -> None:
    assert sorted(in_processes(hex, range(40), workers=2)) == [(number, hex(number)) for number in range(40)]


def test_an_item_that_kills_its_process_costs_only_itself() -> None:
    items = [b"one", 8, b"two", 16, b"three"]  # a number is read as an address, which brings the process down
    found = dict(in_processes(ctypes.string_at, items, workers=1))
    assert found == {b"one": b"one", 8: None, b"two": b"two", 16: None, b"three": b"three"}


def test_what_the_function_raises_ends_the_work() -> None:
    with pytest.raises(ValueError, match="'x'"):
        list(in_processes(int, ["1", "x", "2"], workers=1))


def test_few_items_are_drawn_ahead() -> None:
    drawn = []

    def items() -> Iterator[int]:
        for number in range(1_000_000):
            drawn.append(number)
            yield number

    results = in_processes(abs, items(), workers=2)
    next(results)
    results.close()
    assert len(drawn) == 2


def test_what_was_begun_is_dropped_where_nothing_can_be_half_done() -> None:
    results = in_processes(time.sleep, [0, 600], workers=2, finish=False)
    assert next(results) == (0, None)
    results.close()  # would last ten minutes
