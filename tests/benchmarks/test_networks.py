"""The command that measures networks on a GPU says so where there is none."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
COMMAND = 'pytest benchmarks/test_networks.py -k "cuda or tensorrt"'


@pytest.mark.parametrize("page", ["benchmarks.md", "export.md"])
def test_one_command_measures_on_a_gpu(page: str) -> None:
    assert COMMAND in (ROOT / "docs" / page).read_text(encoding="utf-8")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(COMMAND)], check=False, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "[4] benchmarks/test_networks.py" in done.stdout and "needs an NVIDIA GPU, and there is none here" in done.stdout
    assert "4 skipped" in done.stdout
