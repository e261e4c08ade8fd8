"""Labels that mean the same in every corpus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GENDERS = {"female": "f", "woman": "f", "male": "m", "man": "m"}


def known_labels(values: Mapping[str, Any]) -> dict[str, str]:
    """The labels that are told, as text; None and empty text tell nothing.

    `gender` is "f" or "m" however it is written, and `age` in years becomes a group: "34" is "30s". What is in neither form
    stays as it is.
    """
    known = {name: text for name, value in values.items() if value is not None and (text := str(value).strip())}
    if "gender" in known:
        known["gender"] = GENDERS.get(known["gender"].lower(), known["gender"].lower())
    if known.get("age", "").isdecimal():
        known["age"] = f"{int(known['age']) // 10 * 10}s"
    return known
