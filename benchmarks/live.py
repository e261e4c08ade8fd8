"""How good a live stream is beside offline diarization: `python benchmarks/live.py SET [SET…]`.

SET is a folder of recordings with RTTM files (and UEM files, where only parts are to be scored). Every recording is streamed
as fast as it can be heard. DER is strict, pooled over each set: of what was said at once, of the turns as they stood with all
corrections just before the end, of the last word, and of the recording diarized offline by the same model.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from fastdiar.core import audio
from fastdiar.core.formats import read_rttm, read_uem
from fastdiar.core.types import RATE, Diarization, Recording, Turn
from fastdiar.diarization.diarizer import Diarizer, load
from fastdiar.evaluation.diarization import Pair, Score, pooled, score
from fastdiar.live.diarizer import LiveDiarizer, LiveSettings
from fastdiar.live.events import Event, Final, Relabelled, TurnTold


@attrs.frozen
class Streamed:
    """A recording's turns: as said at once, as corrected while it went on, and as told at the end; how many were relabelled."""

    at_once: tuple[Turn, ...]
    corrected: tuple[Turn, ...]
    final: Diarization
    turns: int
    relabelled: int


def main() -> None:
    """Stream, diarize, and print a line for each set and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", metavar="SET", type=Path, nargs="+")
    parser.add_argument("--model", default="quality")
    for field in attrs.fields(LiveSettings):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default, help=field.metadata["help"])
    asked = vars(parser.parse_args())
    diarizer, sets = load(asked.pop("model")), asked.pop("sets")
    settings = LiveSettings(**asked)
    print(settings)
    for folder in sets:
        print_set(folder.name, *measured(diarizer, settings, recordings(folder)))


def recordings(folder: Path) -> Iterator[tuple[Path, Pair]]:
    """Each recording with its reference, and nothing found in it yet."""
    for path in audio.recordings(folder):
        rttm, uem = path.with_suffix(".rttm"), path.with_suffix(".uem")
        if rttm.is_file():
            (truth,) = read_rttm(rttm).values()
            yield path, Pair(path.stem, truth, (), next(iter(read_uem(uem).values())) if uem.is_file() else None)


def measured(
    diarizer: Diarizer, settings: LiveSettings, pairs: Iterable[tuple[Path, Pair]]
) -> tuple[dict[str, list[Score]], list[Streamed]]:
    """Scores of each way, by recording, and what was streamed."""
    scores, streams = defaultdict(list), []
    for path, pair in pairs:
        streams.append(streamed(diarizer, settings, path))
        ways = {
            "at once": streams[-1].at_once,
            "corrected": streams[-1].corrected,
            "last word": streams[-1].final.turns,
            "offline": diarizer(path).turns,
        }
        for way, turns in ways.items():
            scores[way].append(score(attrs.evolve(pair, hypothesis=turns)))
    return scores, streams


def streamed(diarizer: Diarizer, settings: LiveSettings, path: Path) -> Streamed:
    """A recording pushed hop by hop."""
    events: list[Event] = []
    size = round(settings.hop * RATE)
    with LiveDiarizer(diarizer, settings=settings) as live:
        for block in audio.stream(Recording(path=path)).blocks:
            for first in range(0, len(block), size):
                events += live.push(block[first : first + size])
        events += live.finish()
    final = events.pop()
    assert isinstance(final, Final)
    corrected = as_corrected(events)
    relabelled = {event.turn for event in events if isinstance(event, Relabelled)}
    return Streamed(as_said_at_once(events), corrected, final.diarization, len(corrected), len(relabelled))


def as_said_at_once(events: Sequence[Event]) -> tuple[Turn, ...]:
    """Every piece of a turn under the name that it had when it was first told."""
    told: dict[int, float] = {}
    pieces = []
    for event in events:
        if isinstance(event, TurnTold):
            start = told.get(event.turn, event.start)
            if event.end > start:
                pieces.append(Turn(start, event.end, event.speaker))
            told[event.turn] = event.end
    return tuple(pieces)


def as_corrected(events: Sequence[Event]) -> tuple[Turn, ...]:
    """Every turn with its last end and name."""
    turns: dict[int, Turn] = {}
    for event in events:
        if isinstance(event, TurnTold):
            turns[event.turn] = Turn(event.start, event.end, event.speaker)
        elif isinstance(event, Relabelled):
            turns[event.turn] = attrs.evolve(turns[event.turn], speaker=event.speaker)
    return tuple(turns.values())


def print_set(name: str, scores: dict[str, list[Score]], streams: Sequence[Streamed]) -> None:
    """A line for each way."""
    turns, relabelled = (sum(getattr(each, part) for each in streams) for part in ("turns", "relabelled"))
    print(f"{name} ({len(streams)} recordings); {relabelled} of {turns} turns relabelled")
    for way, found in scores.items():
        whole = pooled(found)
        parts = " / ".join(f"{100 * part / whole.speech:.1f}" for part in (whole.missed, whole.false_alarm, whole.confusion))
        print(f"  {way:10} DER {100 * (whole.der or 0):5.1f} ({parts}), {whole.found} people found of {whole.speakers}")


if __name__ == "__main__":
    main()
