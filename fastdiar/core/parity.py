"""How far an exported graph is from the network it was made from."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Parity:
    """Largest differences, as shares of the largest number expected, or of 1 where that is less: of the graph's `outputs`,
    and of each of its `stages`, in the order they are computed."""

    outputs: float
    stages: Mapping[str, float] = attrs.Factory(dict)

    def first_apart(self, limit: float) -> str | None:
        """The first stage that differs by more than `limit`."""
        return next((name for name, difference in self.stages.items() if not difference <= limit), None)
