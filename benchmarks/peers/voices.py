"""Are two clips one voice: the same pairs for fastdiar's models and for peers, and what a clip costs, in one table.

    python benchmarks/peers/voices.py RECIPE [--set data.test.speakers=… …] [--systems quality light resemblyzer …] [--seconds 2]

RECIPE's [data.test] has utterances with their speakers. EER is over all pairs within a corpus, as `fastdiar evaluate
--verification` has it; the time is one thread's own, the median over all clips.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from install import HERE, python_of

from fastdiar.diarization.model import Model, find_model, shipped
from fastdiar.evaluation.evaluation import read_test
from fastdiar.evaluation.intervals import Interval
from fastdiar.evaluation.verification import verification

VOICES = {"resemblyzer": "torch", "sherpa": "onnxruntime"}
"""Peers that tell voices apart, one clip at a time, and what computes their networks."""
MODELS = HERE.parents[2] / "shared" / "teachers"


class Peer:
    """A system in its own environment, hearing clips; `taken` are the seconds that each took by its own `clock`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.taken: list[float] = []

    def voice(self, samples: np.ndarray) -> np.ndarray:
        """`[samples]` of one person → their unit vector `[dim]`."""
        assert self._process.stdin is not None
        self._process.stdin.write(np.int32(len(samples)).tobytes() + samples.astype(np.float32).tobytes())
        self._process.stdin.flush()
        self.taken.append(float(self._read(1, np.float64)[0]))
        vector = self._read(int(self._read(1, np.int32)[0]), np.float32)
        return vector / np.linalg.norm(vector)

    def _read(self, count: int, kind: type) -> np.ndarray:
        assert self._process.stdout is not None
        size = count * np.dtype(kind).itemsize
        found = self._process.stdout.read(size)
        if len(found) < size:
            raise SystemExit(f"{self._process.args[1]}: ended before it answered")  # type: ignore[index]
        return np.frombuffer(found, kind)


@contextmanager
def running(peer: str, clock: str = "thread_time", models: Path = MODELS) -> Iterator[Peer]:
    """The peer's driver, ready for clips; raises `FileNotFoundError` where it is not installed."""
    command = [python_of(peer), HERE / "drivers" / f"voice_{peer}.py", clock, models.resolve()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield Peer(process)
        assert process.stdin is not None
        process.stdin.close()  # which ends it


class Own:
    """A model of fastdiar, timed as peers are."""

    def __init__(self, name: str) -> None:
        self._model = Model(find_model(name))
        self.taken: list[float] = []

    def voice(self, samples: np.ndarray) -> np.ndarray:
        """`[samples]` of one person → their unit vector `[dim]`."""
        begun = time.thread_time()
        vector = self._model.voice(samples)
        self.taken.append(time.thread_time() - begun)
        return vector


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--systems", nargs="+", default=[*shipped(), *VOICES], choices=[*shipped(), *VOICES])
    parser.add_argument("--seconds", type=float, default=2.0, help="heard from the middle of each utterance")
    asked = parser.parse_args()
    data = read_test(asked.recipe, asked.overrides)
    print("| | corpus (speakers) | pairs of one voice, of two | EER % | 95 % | a clip |\n|---|---|--:|--:|--:|--:|")
    for name in asked.systems:
        if name in VOICES:
            with running(name) as peer:
                print(rows(name, peer, data, asked.seconds), flush=True)
        else:
            print(rows(name, Own(name), data, asked.seconds), flush=True)


def rows(name: str, system: Any, data: Any, seconds: float) -> str:
    """A system's rows, one a corpus."""
    found = verification(system, data.dataset, data.entries, (seconds,))
    clip = f"{1000 * np.median(system.taken):.1f} ms"
    return "\n".join(
        f"| {name} | {each.corpus} ({each.speakers}) | {each.same}, {each.different} | {100 * each.eer:.1f} | "
        f"{_between(each.interval)} | {clip} |"
        for each in found
    )


def _between(interval: Interval | None) -> str:
    return "" if interval is None else f"{100 * interval.low:.1f}–{100 * interval.high:.1f}"


if __name__ == "__main__":
    main()
