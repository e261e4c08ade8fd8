"""Validators that several components' configs share, in the words of a recipe."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import validators

share: Any = validators.and_(validators.ge(0), validators.le(1))
"""A share or probability: 0 to 1."""

positive: Any = validators.deep_iterable(validators.ge(1))
"""Numbers, all of them at least 1."""

positive_list: Any = validators.and_(validators.min_len(1), positive)
"""At least one number, all of them at least 1."""

shares = validators.deep_iterable(share)
"""Numbers, all of them 0 to 1."""


def between(low: float, high: float) -> Any:
    """Numbers, all of them from `low` to `high`."""
    return validators.deep_iterable(validators.and_(validators.ge(low), validators.le(high)))


def odd(instance: Any, attribute: attrs.Attribute[Any], value: int | tuple[int, ...]) -> None:
    """Convolution kernels are odd, so that a frame sits in the middle of what it hears."""
    kernels = (value,) if isinstance(value, int) else value
    if any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
        raise ValueError(f"must be odd and at least 1: {_shown(value)}")


def ordered(instance: Any, attribute: attrs.Attribute[Any], value: tuple[float, float]) -> None:
    """A range: the lower bound first."""
    if value[0] > value[1]:
        raise ValueError(f"must be a range, its lower bound first: {_shown(value)}")


def one_per_block(reference: str) -> Any:
    """A list with exactly one number for each of the list in the field `reference`, which stands above it."""

    def check(instance: Any, attribute: attrs.Attribute[Any], value: tuple[int, ...]) -> None:
        blocks = len(getattr(instance, reference))
        if len(value) != blocks:
            raise ValueError(f"must have {blocks} numbers, one for each of '{reference}': {_shown(value)}")

    return check


def _shown(value: Any) -> str:
    return str(list(value) if isinstance(value, tuple) else value)
