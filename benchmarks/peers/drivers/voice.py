"""What every driver for single clips does: hear clip after clip on one thread, and say whose voice it is and how long it took.

Runs in each system's own environment: it needs numpy, nothing of fastdiar. `python drivers/voice_NAME.py CLOCK MODELS` with a
clock of Python's module `time`, and the folder of the teachers' networks. Over and over: a number of samples (int32) and the
samples (float32) in through stdin; seconds (float64), a number of dimensions (int32) and the vector (float32) out through stdout.
"""

from __future__ import annotations

import os

# Before anything is imported that asks how many cores there are.
for name in ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

RATE = 16_000
Hear = Callable[[np.ndarray], np.ndarray]


def main(prepare: Callable[[Path], Hear]) -> None:
    """`prepare(models)` gets the system ready; what it returns turns float32 samples into a vector `[dim]`."""
    clock, answers = getattr(time, sys.argv[1]), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not look like an answer
    hear = prepare(Path(sys.argv[2]))
    while head := sys.stdin.buffer.read(4):
        samples = np.frombuffer(sys.stdin.buffer.read(4 * int(np.frombuffer(head, np.int32)[0])), np.float32)
        begun = clock()
        vector = hear(samples)
        taken = clock() - begun
        answers.write(np.float64(taken).tobytes() + np.int32(vector.size).tobytes() + np.asarray(vector, np.float32).tobytes())
        answers.flush()
