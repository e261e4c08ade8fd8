"""Nothing that happens to the process changes what a run comes to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("kill_and_resume.py")


def test_a_run_killed_again_and_again_ends_with_the_same_bytes(small_recipe: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(small_recipe), str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [f"chain-{chain}: killed 5 times, the same in the end" for chain in range(4)]
