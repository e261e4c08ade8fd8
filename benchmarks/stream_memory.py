"""What a live stream keeps in memory over hours: `python benchmarks/stream_memory.py RECORDING [--hours 8]`.

The recording is streamed over and over, as fast as it can be heard; nothing of what is told is kept. Every ten minutes of sound a
row says how much memory the process holds for itself, and how many turns were told since the last.
"""

from __future__ import annotations

import argparse
import time
from itertools import cycle
from pathlib import Path

from fastdiar.core import audio
from fastdiar.core.types import RATE
from fastdiar.diarization.diarizer import load
from fastdiar.live.diarizer import LiveDiarizer, LiveSettings
from fastdiar.live.events import Final, TurnTold

ROW_SECONDS = 600


def main() -> None:
    """Stream, and print a row every half hour of sound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--hop", type=float, default=LiveSettings().hop)
    parser.add_argument("--horizon", type=float, default=LiveSettings().horizon, help="seconds")
    parser.add_argument("--model", default="quality")
    asked = parser.parse_args()
    samples, hop = audio.read(asked.recording), round(asked.hop * RATE)
    hops = cycle([samples[first : first + hop] for first in range(0, len(samples) - hop, hop)])
    print("| minutes | memory | turns told | seconds of processor |\n|---|---|---|---|")
    with LiveDiarizer(load(asked.model), settings=LiveSettings(hop=asked.hop, horizon=asked.horizon)) as live:
        turns = 0
        for number in range(1, round(asked.hours * 3600 / asked.hop) + 1):
            turns += sum(isinstance(event, TurnTold) and event.state == "opened" for event in live.push(next(hops)))
            if number % round(ROW_SECONDS / asked.hop) == 0:
                print(f"| {number * asked.hop / 60:.0f} | {held() >> 20} MiB | {turns} | {time.process_time():.0f} |", flush=True)
                turns = 0
        *_, last = live.finish()
    assert isinstance(last, Final)
    print(f"{asked.model}: {len(last.diarization.turns)} turns of {len(last.diarization.speakers)} people in the last word")


def held() -> int:
    """Bytes that this process holds for itself."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


if __name__ == "__main__":
    main()
