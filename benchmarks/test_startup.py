"""What fifty installed plugins cost at the start: the command's start with them beside its start without, in turns.

`pytest benchmarks/test_startup.py -s`. The promise is a ratio of 1.3 or less; one of the plugins crashes when it is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

PLUGINS, ROUNDS = 50, 10
START = "from fastdiar import registry\nregistry.lookup('clustering', 'variational')"
HOOK = """
from fastdiar.registry import Component, hookimpl

FASTDIAR_HOOK = 1


@hookimpl
def fastdiar_components():
    return [Component("encoder", "x", "{name}:X", "one of many")]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with fifty distributions, each with a plugin."""
    for number in range(PLUGINS):
        name = f"many_{number}"
        (tmp_path / f"{name}.py").write_text(HOOK.format(name=name) if number else "raise RuntimeError")
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[fastdiar]\n{name} = {name}\n")
    return tmp_path


def test_start_with_fifty_plugins(benchmark: BenchmarkFixture, site: Path) -> None:
    alone = []

    def without() -> None:
        began = time.perf_counter()
        _start({})
        alone.append(time.perf_counter() - began)

    benchmark.pedantic(_start, ({"PYTHONPATH": str(site)},), setup=without, rounds=ROUNDS, warmup_rounds=1)
    ratio = float(np.median(benchmark.stats.stats.data) / np.median(alone))
    benchmark.extra_info |= {"without_s": float(np.median(alone)), "ratio": ratio}
    print(f"\n{ratio:.2f} times the start without them ({np.median(alone):.2f} s)")


def _start(environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", START], check=True, env={**os.environ, **environment})
