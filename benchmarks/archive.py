"""How fast an archive is heard, by each engine: `python benchmarks/archive.py FOLDER`, or without FOLDER the sample, 40 times.

Every way hears the same recordings with `fastdiar diarize`; the turns must be the same to the byte. A node of Ray is a set of
processes with one core, all on this machine. Prints a table; rates are hours of sound an hour.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

DIALOGUE = Path(__file__).resolve().parents[1] / "examples" / "dialogue.flac"
COPIES = 40
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--model", default="quality")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or copies(Path(scratch) / "recordings")
        print("| engine | hours | hours an hour | on the clock |\n|---|---|---|---|")
        diarize = ["diarize", str(folder), "--model", asked.model]
        found = [told(f"{count} processes", [*diarize, "--workers", str(count)], Path(scratch)) for count in (1, 2)]
        for count in (1, 2):
            with cluster(count) as address:
                command = [*diarize, "--engine", "ray", "--ray-address", address]
                found.append(told(f"Ray, {count} nodes of a core", command, Path(scratch)))
    print(f"\nload {', '.join(f'{load:.1f}' for load in os.getloadavg())}; identical turns: {len(set(found)) == 1}")


def copies(folder: Path) -> Path:
    folder.mkdir()
    for number in range(COPIES):
        shutil.copy(DIALOGUE, folder / f"{number}.flac")
    return folder


def told(name: str, command: list[str], scratch: Path) -> str:
    """Run, print a row of the table, and give a checksum of the turns."""
    out = Path(tempfile.mkdtemp(dir=scratch))
    began = time.monotonic()
    arguments = [sys.executable, "-m", "fastdiar", *command, "-o", str(out)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    hours = re.search(r"([\d.,]+) hours of sound, ([\d,]+) hours an hour", done.stdout)
    assert hours, done.stdout
    print(f"| {name} | {hours[1]} | {hours[2]} | {time.monotonic() - began:.0f} s |", flush=True)
    turns = sorted(out.rglob("*.rttm"))
    return sha256(b"".join(path.relative_to(out).as_posix().encode() + path.read_bytes() for path in turns)).hexdigest()


@contextmanager
def cluster(nodes: int) -> Iterator[str]:
    """The address of a Ray cluster on this machine."""
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args=NODE)
    for _ in range(nodes - 1):
        found.add_node(**NODE)
    try:
        yield found.address
    finally:
        found.shutdown()


if __name__ == "__main__":
    main()
