"""Several processes that train one network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("together.py")


def test_two_processes_learn_what_one_does_and_agree(small_recipe: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), str(small_recipe), str(tmp_path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "two processes learn what one does with a batch of twice the size",
        "with batch norms, averages, parts and a step that came to nothing they agree with each other",
    ]


def test_torchrun_trains_a_recipe(small_recipe: Path, tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    train = ["-m", "fastdiar", "train", str(small_recipe), "--out", str(tmp_path / "run"), "--device", "cpu"]
    result = subprocess.run([*torchrun, *train], capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)["epoch"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()] == [1, 2]
    assert (tmp_path / "run" / "best.safetensors").is_file()
    assert result.stdout.count("2 epochs, the best was") == 1
