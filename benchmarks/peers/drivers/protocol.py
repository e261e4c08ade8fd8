"""What every driver does: read the job, get ready, diarize file after file on one thread, write turns and figures.

Runs in each system's own environment: it needs soundfile and numpy, nothing of fastdiar.

    python drivers/NAME.py JOB.json

JOB.json: {"audio": [files, 16 kHz mono], "output": folder, "models": folder with the teachers' networks}
output:   URI.rttm for each file, and report.json: {"startup_cpu_seconds", "peak_megabytes",
          "files": {uri: {"audio_seconds", "cpu_seconds"}}}
"""

from __future__ import annotations

import os

# Before anything is imported that asks how many cores there are.
for name in ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import soundfile  # noqa: E402

RATE = 16_000
WARM_UP = 10 * RATE
"""Samples of the first file that are diarized before the clock starts: what is compiled on first use counts as start-up."""

Turns = Iterable[tuple[float, float, str]]
Diarize = Callable[[np.ndarray], Turns]


def main(prepare: Callable[[Path], Diarize]) -> None:
    """`prepare(models)` gets the system ready; what it returns turns float32 samples into (start, end, speaker)."""
    job = json.loads(Path(sys.argv[1]).read_text())
    output = Path(job["output"])
    diarize = prepare(Path(job["models"]))
    list(diarize(_read(job["audio"][0])[:WARM_UP]))
    startup = time.process_time()
    files = {}
    for path in map(Path, job["audio"]):
        samples = _read(path)
        begun = time.process_time()
        turns = list(diarize(samples))
        files[path.stem] = {"audio_seconds": len(samples) / RATE, "cpu_seconds": time.process_time() - begun}
        _write(output / f"{path.stem}.rttm", path.stem, turns)
        print(f"{path.stem}: {files[path.stem]['cpu_seconds']:.1f} s", file=sys.stderr, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report = {"startup_cpu_seconds": startup, "peak_megabytes": peak, "files": files}
    (output / "report.json").write_text(json.dumps(report, indent=1))


def _read(path: str | Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != RATE or samples.ndim != 1:
        raise SystemExit(f"{path}: expected 16 kHz mono")
    return samples


def _write(path: Path, uri: str, turns: Turns) -> None:
    lines = (f"SPEAKER {uri} 1 {start:.3f} {end - start:.3f} <NA> <NA> {speaker} <NA> <NA>\n" for start, end, speaker in turns)
    path.write_text("".join(lines))
