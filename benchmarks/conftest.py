"""What a benchmark notes beside its times: the machine, its peak, and what was run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastdiar.evaluation.environment import hardware

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE / "load")]  # suites use the scripts beside them
SIZE, ROUNDS = 1024, 30
LIBRARIES = ("fastdiar", "torch", "onnxruntime")


@cache
def gemm_peak(threads: int) -> float:
    """GFLOP/s of the best of thirty products of two single-precision matrices of 1024 × 1024, by torch."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    one, other = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
    clock = time.thread_time if threads == 1 else time.perf_counter  # one thread's own time is the same on a busy machine
    taken = []
    for _ in range(ROUNDS):
        began = clock()
        one @ other
        taken.append(clock() - began)
    torch.set_num_threads(before)
    return 2 * SIZE**3 / min(taken) / 1e9


@pytest.fixture
def note(benchmark: Any) -> Callable[..., None]:
    """Puts percentiles, size, arithmetic and conditions of a finished benchmark into its `extra_info`."""
    return partial(_note, benchmark)


def _note(
    benchmark: Any,
    threads: int,
    parameters: int | None = None,
    macs: int | None = None,
    taken: Sequence[float] | None = None,
    **more: Any,
) -> None:
    """`taken` are seconds by another process's clock, in place of the benchmark's own."""
    if benchmark.disabled:
        return
    p50, p90, p99 = (float(each) for each in np.percentile(taken or benchmark.stats.stats.data, (50, 90, 99)) * 1000)
    info: dict[str, Any] = {"p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "threads": threads, "load": os.getloadavg()[0], **more}
    if parameters is not None:
        info["parameters"] = parameters
    if macs is not None:
        reached, peak = 2 * macs / p50 / 1e6, gemm_peak(threads)
        info |= {"gflop": 2 * macs / 1e9, "gflop_per_s": reached, "gemm_peak_gflop_per_s": peak, "share_of_peak": reached / peak}
    info |= {"hardware": hardware(), "versions": {name: version(name) for name in LIBRARIES}}
    benchmark.extra_info.update(info)
