"""How large the steps are, from the first to the last."""

from __future__ import annotations

import math

from fastdiar.core.tables import Trainer

WARM_UP = 0.02
"""Share of all steps over which the learning rate climbs to its peak."""


def learning_rate(trainer: Trainer, step: int, steps: int) -> float:
    """The rate of a step of `steps`: up to the peak, then down to zero along a cosine, or level."""
    peak, warm = trainer.learning_rate, max(1.0, WARM_UP * steps)
    if step < warm:
        return peak * (step + 1) / (warm + 1)
    if trainer.schedule == "constant":
        return peak
    return peak * (1 + math.cos(math.pi * step / steps)) / 2
