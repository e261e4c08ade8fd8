"""What a live stream keeps in memory over hours: `python benchmarks/stream_memory.py RECORDING [--hours 8]`.

The recording is streamed over and over, as fast as it can be heard; nothing of what is told is kept. It is cut to whole steps of
the walk, so that every round brings the same chunks: networks hear them in the first round, and what they said is copied in all
others. Clustering, naming and settling are done as ever. A row says how much memory the process holds for itself, how much it
held at most since the last row, how many turns were told since, and the seconds of processor in all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from hashlib import blake2b
from itertools import cycle
from pathlib import Path

import numpy as np

from fastdiar.core import audio
from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.types import RATE
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.model import Model, find_model
from fastdiar.diarization.walk import chunk_sizes
from fastdiar.live.diarizer import LiveDiarizer, LiveSettings
from fastdiar.live.events import Final, TurnTold

ROW_SECONDS = 1200
LONGEST_HOP = 2.0


def main() -> None:
    """Stream, and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--horizon", type=float, default=LiveSettings().horizon, help="seconds")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    asked = parser.parse_args()
    diarizer = Diarizer(Remembering(find_model(asked.model)))
    hops = rounds(audio.read(asked.recording), diarizer)
    seconds = len(hops[0]) / RATE
    print(f"{asked.model}, a look every {seconds:.2f} s, horizon {asked.horizon:g} s, rounds of {len(hops) * seconds:.0f} s")
    print("| minutes | memory | most | turns told | seconds of processor |\n|---|---|---|---|---|")
    with LiveDiarizer(diarizer, settings=LiveSettings(hop=seconds, horizon=asked.horizon)) as live:
        turns = most = row = 0
        for number, hop in zip(range(1, round(asked.hours * 3600 / seconds) + 1), cycle(hops), strict=False):
            turns += sum(isinstance(event, TurnTold) and event.state == "opened" for event in live.push(hop))
            most = max(most, held())
            if number * seconds >= (row + 1) * ROW_SECONDS:
                row += 1
                memory = f"{held() >> 20} MiB | {most >> 20} MiB"
                print(f"| {number * seconds / 60:.0f} | {memory} | {turns} | {time.process_time():.0f} |", flush=True)
                turns = most = 0
        *_, last = live.finish()
    assert isinstance(last, Final)
    found = last.diarization
    print(f"after the last word: {held() >> 20} MiB; {len(found.turns)} turns of {len(found.speakers)} people in it")


class Remembering(Model):
    """What it heard before, it tells again without a network."""

    def __init__(self, folder: Path) -> None:
        """Read the bundle; raises `ModelError`."""
        super().__init__(folder)
        self._told: dict[bytes, np.ndarray] = {}

    def activity(self, waveforms: np.ndarray) -> np.ndarray:
        """See `Model`."""
        return self._once(super().activity, waveforms)

    def encode(self, waveform: np.ndarray) -> np.ndarray:
        """See `Model`."""
        return self._once(super().encode, waveform)

    def embed(self, frames: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See `Model`."""
        return self._once(super().embed, frames, weights)

    def _once(self, run: Callable[..., np.ndarray], *given: np.ndarray) -> np.ndarray:
        key = b"".join(blake2b(np.ascontiguousarray(each), digest_size=16).digest() for each in given) + run.__name__.encode()
        if key not in self._told:
            self._told[key] = run(*given)
        return self._told[key].copy()


def rounds(samples: np.ndarray, diarizer: Diarizer) -> list[np.ndarray]:
    """The hops of a round: as many whole steps of the walk as there are samples for, each in hops of whole frames."""
    _, step, frame = chunk_sizes(diarizer.settings, diarizer.model.bundle.activity)
    parts = next(parts for parts in range(1, step) if step // frame % parts == 0 and step <= parts * LONGEST_HOP * RATE)
    whole = samples[: len(samples) // step * step]
    return np.split(whole, len(whole) // step * parts)


def held() -> int:
    """Bytes that this process holds for itself."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


if __name__ == "__main__":
    main()
