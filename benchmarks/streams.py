"""What a hop of a live stream costs, with several streams at once: `python benchmarks/streams.py RECORDING [--streams 4]`.

Every stream is a thread that gets the recording's samples hop by hop, at the times a microphone would give them, each beginning
in another part of it and at another moment of a hop. Timed is `LiveDiarizer.push`, from the samples' arrival at the thread to the
last event: on the clock, so on a quiet machine only. Late is how long after its samples a hop was begun.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from pathlib import Path

import numpy as np

from fastdiar.core import audio
from fastdiar.core.types import RATE
from fastdiar.diarization.diarizer import Diarizer, load
from fastdiar.evaluation.environment import hardware
from fastdiar.live.diarizer import LiveDiarizer, LiveSettings


def main() -> None:
    """Stream, and print percentiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--hop", type=float, default=LiveSettings().hop)
    parser.add_argument("--model", default="quality")
    asked = parser.parse_args()
    samples, diarizer = audio.read(asked.recording), load(asked.model)
    diarizer(samples[: 10 * RATE], RATE)  # loads the graphs
    found: list[list[tuple[float, float]]] = [[] for _ in range(asked.streams)]
    begin = time.perf_counter() + 0.5
    used = time.process_time()
    threads = [
        threading.Thread(
            target=listen,
            args=(diarizer, np.roll(samples, -place * len(samples) // asked.streams), asked.seconds, asked.hop),
            kwargs={"begin": begin + place * asked.hop / asked.streams, "found": found[place]},
        )
        for place in range(asked.streams)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = time.process_time() - used
    taken, late = 1000 * np.array([pair for stream in found for pair in stream]).T
    print(f"{asked.model}, {asked.streams} streams of {asked.seconds:g} s, hop {asked.hop:g} s")
    print(f"{hardware()}; load {os.getloadavg()[0]:.1f}")
    for name, values in (("a hop", taken), ("late", late)):
        p50, p90, p99 = np.percentile(values, (50, 90, 99))
        print(f"{name:6} P50 {p50:6.1f} ms, P90 {p90:6.1f} ms, P99 {p99:6.1f} ms, most {values.max():6.1f} ms, of {len(values)}")
    print(f"{used / (asked.streams * asked.seconds):.3f} seconds of processor for a second of sound")


def listen(
    diarizer: Diarizer, samples: np.ndarray, seconds: float, hop: float, begin: float, found: list[tuple[float, float]]
) -> None:
    """Push the samples in time; what each hop took, and how late it was begun, in seconds."""
    size = round(hop * RATE)
    with LiveDiarizer(diarizer, settings=LiveSettings(hop=hop)) as live:
        for number in range(int(seconds / hop)):
            due = begin + (number + 1) * hop
            time.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            live.push(np.take(samples, range(number * size, (number + 1) * size), mode="wrap"))
            found.append((time.perf_counter() - began, began - due))


if __name__ == "__main__":
    main()
