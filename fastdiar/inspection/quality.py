"""What a person would hear in a clip, as numbers, and the limits beyond which they would frown."""

from __future__ import annotations

import math

import attrs
import numpy as np
from scipy import signal

from fastdiar.core.types import RATE

FRAME = RATE // 50
"""Samples whose power is looked at together: 20 ms."""
SILENCE = 1e-6
"""Mean power of a frame below which it is silent: -60 dB below full scale."""
FLOOR = 1e-10
"""Power that stands for none: quieter than the rounding of 16 bits."""
TOP = 0.995
"""Share of a clip's highest level from which on a sample counts as being at it."""
FADES = 60.0
"""A band ends where the spectrum has fallen so far below its highest point (dB)."""


@attrs.frozen
class Limit:
    """What is measured, in which `unit`, and the values within which a clip is fine."""

    unit: str
    what: str
    lowest: float = -math.inf
    highest: float = math.inf

    def excess(self, values: np.ndarray) -> np.ndarray:
        """How far values lie beyond; 0 or less where they are fine, NaN where they are not known."""
        return np.maximum(self.lowest - values, values - self.highest)


LIMITS = {
    "level": Limit("dB", "mean power below full scale", lowest=-45, highest=-10),
    "clipping": Limit("%", "samples that stand at the clip's highest level, three or more in a row", highest=0.1),
    "silence": Limit("%", "time more than 60 dB below full scale", highest=60),
    "offset": Limit("%", "distance of the mean from zero, of full scale (DC)", highest=0.5),
    "band": Limit("Hz", "where the spectrum has fallen 60 dB below its highest point; telephones end at 4 kHz", lowest=4_500),
    "SNR": Limit("dB", "the loud frames' power over the quiet ones': an estimate", lowest=10),
    "rate": Limit("Hz", "the file's own sampling rate; what is lower was never recorded", lowest=RATE),
    "labels": Limit("", "labels that a head learns from and the clip lacks", highest=0),
}
"""What `fastdiar data check` holds every clip against, in this order."""


def measure(samples: np.ndarray) -> dict[str, float]:
    """Those of `LIMITS` that a clip's sound tells, `samples` float32 `[samples]` at 16 kHz, not empty."""
    frames = np.square(samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME), dtype=np.float64).mean(axis=1)
    power = frames if len(frames) else np.square(samples, dtype=np.float64).mean(keepdims=True)
    return {
        "level": 10 * math.log10(max(float(power.mean()), FLOOR)),
        "clipping": 100 * _clipped(np.abs(samples)),
        "silence": 100 * float((power < SILENCE).mean()),
        "offset": 100 * abs(float(samples.mean())),
        "band": _band(samples),
        "SNR": _snr(power),
    }


def _clipped(size: np.ndarray) -> float:
    """The share of samples with both neighbours at the highest level, too; speech passes its peak in one or two."""
    top = size >= max(TOP * size.max(), SILENCE)
    return float((top[2:] & top[1:-1] & top[:-2]).mean()) if len(size) > 2 else 0.0


def _band(samples: np.ndarray) -> float:
    """Hz up to which there is sound; unknown where there is none."""
    frequencies, density = signal.welch(samples, RATE, nperseg=min(len(samples), 2 * FRAME))
    if density.max() < FLOOR / RATE:
        return math.nan
    return float(frequencies[np.flatnonzero(density >= density.max() * 10 ** (-FADES / 10))[-1]])


def _snr(power: np.ndarray) -> float:
    """The 90th percentile of the frames' power over the 10th, less the noise in it; unknown in silence."""
    quiet, loud = np.maximum(np.percentile(power, [10, 90]), FLOOR)
    return math.nan if loud < SILENCE else 10 * math.log10(max((loud - quiet) / quiet, 0.1))
