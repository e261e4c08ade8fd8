"""How many requests a second `fastdiar serve` answers, and how fast: tables for docs/benchmarks.md, in Markdown.

python benchmarks/load/run.py [--model NAME] [--workers 1 2] [--paths /v1/classify /v1/embed] [--seconds 20] [--rates 5 10 20 …]
python benchmarks/load/run.py --soak 20    # minutes of mixed load, the memory told every minute
python benchmarks/load/run.py --soak 2 --rates 1 --workers 1 --share 0.02    # the same with a server that is held up

A real server on 127.0.0.1, and the client beside it on the same cores. Rates are raised until twice what the server answers.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import numpy as np
import soundfile
from client import Asked, Figures, figures, offered

from fastdiar.core import audio
from fastdiar.core.types import RATE
from fastdiar.evaluation.environment import hardware

DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"
CLIP_SECONDS, CLIPS = 3, 16
MOST_RATE, LONGEST_STEP, LONGEST_SOAK = 1000, 300, 60
START_SECONDS = 120
PERIOD_SECONDS = 0.5
"""In which a server that is held up runs once."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="quality")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--paths", nargs="+", default=["/v1/embed"])
    parser.add_argument("--seconds", type=float, default=20, help=f"of each rate, at most {LONGEST_STEP}")
    parser.add_argument("--rates", type=float, nargs="+", default=[5, 10, 20, 40, 80, 160, 320, 640])
    parser.add_argument("--even", action="store_true", help="requests at equal distances, not at random")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help=f"mixed load at the first rate, at most {LONGEST_SOAK}")
    parser.add_argument("--share", type=float, default=1.0, help="of the time that the server may run in a soak")
    asked = parser.parse_args()
    asked.seconds, asked.rates = min(asked.seconds, LONGEST_STEP), [min(rate, MOST_RATE) for rate in asked.rates]
    for workers in asked.workers:
        with served(asked.model, workers) as (process, address):
            if asked.soak:
                with held_up(process.pid, asked.share):
                    soak(process, address, asked.rates[0], min(asked.soak, LONGEST_SOAK))
                continue
            for path in asked.paths:
                print(f"\n### {path}, {CLIP_SECONDS} s clips, {asked.model}, workers: {workers}\n")
                table(address, [Asked(path, clip) for clip in clips()], asked.rates, asked.seconds, asked.even)
    arrivals = "equal distances" if asked.even else "random times (Poisson)"
    print(f"\n{hardware()}, load {os.getloadavg()[0]:.1f}; open loop, requests at {arrivals}, {asked.seconds:g} s a rate.")


def table(address: str, kinds: list[Asked], rates: list[float], seconds: float, even: bool) -> None:
    """Print a row a rate, until a rate is twice what is answered."""
    print("| offered /s | answered /s | P50 | P90 | P99 | turned away | P99 of these | failed |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    asyncio.run(offered(address, kinds, 5, 2, even))
    for rate in rates:
        row = figures(asyncio.run(offered(address, kinds, rate, seconds, even)), rate, seconds)
        print(shown(row), flush=True)
        if row.answered < rate / 2:
            return


def shown(row: Figures) -> str:
    times = " | ".join(f"{each:.0f} ms" for each in (row.p50, row.p90, row.p99))
    turned_away = f"{row.refused} | {row.refused_p99:.0f} ms" if row.refused else "0 | "
    return f"| {row.rate:g} | {row.answered:.1f} | {times} | {turned_away} | {failures(row)} |"


def failures(row: Figures) -> str:
    """How many failed, and of what."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in row.failed.most_common())
    return f"{row.failed.total()} ({kinds})" if kinds else "0"


def soak(process: subprocess.Popen[bytes], address: str, rate: float, minutes: float) -> None:
    """Clips and recordings in turn; the memory of all of the server's processes, minute by minute."""
    talk = wav(audio.read(DIALOGUE, 0, 20))
    kinds = [Asked("/v1/embed", clip) for clip in clips()] + [Asked("/v1/diarize", talk)]
    for minute in range(max(1, round(minutes))):
        row = figures(asyncio.run(offered(address, kinds, rate, 60, even=False, seed=minute)), rate, 60)
        print(
            f"{minute + 1} min: {memory(process.pid) / 2**20:.0f} MiB, {row.answered:.1f} answered /s, "
            f"P50 {row.p50:.0f} ms, P99 {row.p99:.0f} ms, {row.refused} turned away, {failures(row)} failed",
            flush=True,
        )


@contextmanager
def held_up(pid: int, share: float) -> Iterator[None]:
    """Have a process, and those it started, run only this share of the time, as on a machine that is starved."""
    ending = threading.Event()

    def hold() -> None:
        while not ending.wait(share * PERIOD_SECONDS):
            tell(pid, signal.SIGSTOP)
            ending.wait((1 - share) * PERIOD_SECONDS)
            tell(pid, signal.SIGCONT)

    holder = threading.Thread(target=hold)
    if share < 1:
        holder.start()
    try:
        yield
    finally:
        ending.set()
        if share < 1:
            holder.join()


def tell(pid: int, what: signal.Signals) -> None:
    for each in family(pid):
        with suppress(ProcessLookupError):
            os.kill(each, what)


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    try:
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    return [pid, *(each for child in started for each in family(int(child)))]


def memory(pid: int) -> int:
    """Bytes that a process and those it started hold for themselves."""
    total = 0
    for each in family(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith(("Private_Clean", "Private_Dirty")):
                total += 1024 * int(line.split()[1])
    return total


def clips() -> list[bytes]:
    """Clips of the dialogue that ships, as 16-bit WAV."""
    samples = audio.read(DIALOGUE)
    starts = np.linspace(0, len(samples) - CLIP_SECONDS * RATE, CLIPS).astype(int)
    return [wav(samples[start : start + CLIP_SECONDS * RATE]) for start in starts]


def wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


@contextmanager
def served(model: str, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server of its own, ready: its process and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as jobs:
        command = [sys.executable, "-m", "fastdiar", "serve", "--model", model, "--port", str(port), "--jobs", jobs]
        with subprocess.Popen([*command, "--workers", str(workers)], stdout=subprocess.DEVNULL) as process:
            try:
                wait(process, address)
                yield process, address
            finally:
                process.terminate()


def wait(process: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            if httpx.get(f"{address}/v1/ready", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    sys.exit("the server did not start")


if __name__ == "__main__":
    main()
