"""`fastdiar stream`: who speaks, told while they speak."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.errors import FastdiarError

if TYPE_CHECKING:
    from threading import Event

    import numpy as np


def stream(
    audio: Annotated[
        str, typer.Argument(metavar="[AUDIO]", help="A recording, or - for bare 16-bit little-endian PCM on standard input.")
    ] = "-",
    rate: Annotated[int | None, typer.Option(min=1, help="The sampling rate (Hz) of standard input, by default 16000.")] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, max=64, help="The channels of standard input, by default 1; their mean is heard.")
    ] = None,
    model: Annotated[str, typer.Option(help="A model that ships, by name, or the folder of one.")] = DEFAULT_MODEL,
    hop: Annotated[float, typer.Option(min=0.1, max=2, help="Seconds from one look to the next.")] = 0.5,
    delay: Annotated[float, typer.Option(min=0, max=5, help="Seconds heard after a moment before it is told of.")] = 1.0,
) -> None:
    """Who speaks, told while they speak, a line of JSON for each event.

    Events are turn (opened, extended, closed), relabel (an earlier turn is another's) and final (all turns anew, as good as
    offline; also after Ctrl-C). Example: arecord -f S16_LE -r 16000 -t raw | fastdiar stream
    """
    from fastdiar.core.types import RATE
    from fastdiar.diarization.diarizer import load
    from fastdiar.live.diarizer import LiveDiarizer, LiveSettings
    from fastdiar.live.events import to_json

    settings, bare = LiveSettings(hop=hop, delay=delay), audio == "-"
    if not bare and (rate or channels):
        raise FastdiarError(f"--rate and --channels are for standard input: {audio} says its own")
    if bare and sys.stdin.isatty():
        raise FastdiarError("nothing is piped into standard input: give a recording, or pipe samples (see --help)")
    rate = rate or RATE
    source = _standard_input(hop, rate, channels or 1) if bare else _file(Path(audio), hop)
    with LiveDiarizer(load(model), rate, settings, uri="stdin" if bare else Path(audio).stem) as live:
        interrupted = _interrupted()
        for samples in source:
            for event in live.push(samples):
                print(to_json(event), flush=True)
            if interrupted.is_set():
                break
        for event in live.finish():
            print(to_json(event), flush=True)


def _interrupted() -> Event:
    """Is set by the first Ctrl-C, so that what was heard gets its last word; the second ends the program."""
    import signal
    import threading

    asked = threading.Event()

    def ask(number: int, frame: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, ask)
    return asked


def _standard_input(hop: float, rate: int, channels: int) -> Iterator[np.ndarray]:
    from fastdiar.core.errors import AudioError
    from fastdiar.live.samples import pcm

    whole = 2 * channels
    size = max(1, round(hop * rate)) * whole
    data = sys.stdin.buffer.read(size)
    if data[:4] in (b"RIFF", b"fLaC", b"OggS", b"FORM"):
        raise AudioError("standard input: is a recording with a header, not bare samples: give the file's name")
    while len(data) >= whole:
        yield pcm(data[: len(data) // whole * whole], channels)  # whoever wrote may have been stopped within a sample
        data = sys.stdin.buffer.read(size)


def _file(path: Path, hop: float) -> Iterator[np.ndarray]:
    from fastdiar.core import audio
    from fastdiar.core.types import RATE, Recording

    size = round(hop * RATE)
    for block in audio.stream(Recording(path=path)).blocks:
        for first in range(0, len(block), size):
            yield block[first : first + size]
