"""Draw the steps from a recording to its turns: python docs/pictures/walk.py RECORDING REFERENCE.rttm FOLDER.

Every picture shows what one step of `fastdiar.diarization.walk` gave for this recording, with the model that ships.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import fastdiar
from fastdiar.core import audio
from fastdiar.core.bundle import Activity
from fastdiar.core.clustering import Windows
from fastdiar.core.formats import read_rttm
from fastdiar.core.powerset import powerset
from fastdiar.core.types import RATE, Diarization, Recording, Turn
from fastdiar.diarization.hear import Heard
from fastdiar.diarization.stitch import Timeline, stitch
from fastdiar.diarization.walk import heard_chunks, told_apart, windows_of
from fastdiar.evaluation.diarization import same_people
from fastdiar.evaluation.report.pictures import COLOURS, INK, style, timeline

NOBODY = "#c9ced6"


@attrs.frozen(eq=False)
class Walked:
    """A recording, and what every step made of it; `labels` int `[windows]` are the people of the windows."""

    samples: np.ndarray
    heard: Sequence[Heard]
    grid: Activity
    windows: Windows
    labels: np.ndarray
    timeline: Timeline
    found: Diarization

    @property
    def seconds(self) -> np.ndarray:
        """The middle of each frame of the timeline."""
        return (self.grid.first + self.grid.hop * np.arange(len(self.timeline.speech))) / RATE

    @property
    def middles(self) -> np.ndarray:
        """The middle of each window, in seconds."""
        return np.concatenate([chunk.centre for chunk in self.heard]) / RATE


def main(recording: str, reference: str, folder: str) -> None:
    """A picture a step, as PNG files in the folder."""
    (turns,) = read_rttm(Path(reference)).values()
    walked = walk(Path(recording))
    with style(**{"savefig.transparent": False}):
        for name, figure in pictures(walked, turns):
            figure.savefig(Path(folder) / f"walk_{name}.png", dpi=80)


def walk(path: Path) -> Walked:
    """The steps of `fastdiar.diarization.walk`, each kept."""
    diarizer = fastdiar.load()
    model, settings, grid = diarizer.model, diarizer.settings, diarizer.model.bundle.activity
    heard = list(heard_chunks(Recording(path=path, uri=path.stem), model, settings))
    windows = windows_of(heard)
    labels = _by_first_words(diarizer.clustering(windows).labels, np.concatenate([chunk.centre for chunk in heard]))
    found = told_apart(path.stem, heard, model, settings, diarizer.clustering)
    return Walked(audio.read(path), heard, grid, windows, labels, stitch(heard, labels, grid), found)


def pictures(walked: Walked, reference: Sequence[Turn]) -> Iterator[tuple[str, Figure]]:
    """Each step's picture, by name, in order."""
    several = powerset(walked.grid.speakers, walked.grid.at_once).sum(axis=1) > 1
    busiest = max(walked.heard, key=lambda chunk: chunk.activity[:, several].sum())
    yield "chunks", _drawn(2.6, _chunks, walked)
    yield "activity", _drawn(2.4, _activity, walked, busiest)
    yield "windows", _drawn(2.0, _windows, busiest)
    yield "voices", _drawn(4.6, _voices, walked, width=5.4)
    yield "people", _drawn(4.0, _people, walked, width=5.4)
    yield "timeline", _drawn(2.8, _timeline, walked)
    panels = {"reference": list(reference), "turns": list(walked.found.turns)}
    people = same_people(*panels.values())
    yield "turns", timeline(panels, dict(zip(panels, people, strict=True)))


def _by_first_words(labels: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """The labels with people numbered in the order in which they are first heard, as the turns name them."""
    first = [middles[labels == person].min() for person in range(labels.max() + 1)]
    return np.argsort(np.argsort(first))[labels]


def _drawn(height: float, draw: object, *what: object, width: float = 10.0) -> Figure:
    figure = Figure(figsize=(width, height))
    draw(figure.subplots(), *what)  # type: ignore[operator]
    return figure


def _chunks(axis: Axes, walked: Walked) -> None:
    """The waveform, and under it the stretches that are heard."""
    step = RATE // 50
    peaks = np.abs(walked.samples[: len(walked.samples) // step * step]).reshape(-1, step).max(axis=1)
    times = np.arange(len(peaks)) * step / RATE
    axis.fill_between(times, -peaks, peaks, color=COLOURS[0], linewidth=0)
    for number, chunk in enumerate(walked.heard):
        row = -1.1 * peaks.max() - 0.22 * peaks.max() * (1 + number % 2)
        axis.plot((chunk.start / RATE, chunk.end / RATE), (row, row), color=COLOURS[1], linewidth=5, solid_capstyle="butt")
    axis.set(xlabel="seconds", xlim=(0, times[-1]), yticks=[], title=f"{len(walked.heard)} chunks")
    axis.spines["left"].set_visible(False)


def _activity(axis: Axes, walked: Walked, chunk: Heard) -> None:
    """The probability of each class in one chunk."""
    classes = powerset(walked.grid.speakers, walked.grid.at_once)
    names = ["+".join("ABCDEF"[local] for local in np.flatnonzero(each)) or "nobody" for each in classes]
    extent = (chunk.start / RATE, chunk.end / RATE, len(classes) - 0.5, -0.5)
    axis.imshow(
        chunk.activity.astype(float).T, aspect="auto", extent=extent, cmap="Blues", vmin=0, vmax=1, interpolation="nearest"
    )
    axis.set_yticks(range(len(classes)), names)
    axis.set(xlabel="seconds", title="who of the chunk's voices is active")


def _windows(axis: Axes, chunk: Heard) -> None:
    """Where one voice of a chunk speaks alone, about a second at a time."""
    for local, middle, seconds in zip(chunk.local, chunk.centre / RATE, chunk.seconds, strict=True):
        at = (middle - seconds / 2, middle + seconds / 2)
        axis.plot(at, (local + 0.1 * (round(2 * middle) % 3 - 1),) * 2, color=COLOURS[local], linewidth=3, solid_capstyle="butt")
    locals_ = sorted(set(chunk.local.tolist()))
    axis.set_yticks(locals_, ["ABCDEF"[local] for local in locals_])
    axis.set(xlabel="seconds", xlim=(chunk.start / RATE, chunk.end / RATE), ylim=(max(locals_) + 0.5, min(locals_) - 0.5))
    axis.set_title(f"{len(chunk.local)} windows of one voice alone")


def _voices(axis: Axes, walked: Walked) -> None:
    """How alike the windows' vectors are, in the order of the recording."""
    order = np.argsort(walked.middles)
    vectors = walked.windows.vectors[order]
    image = axis.imshow(vectors @ vectors.T, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    axis.figure.colorbar(image, label="cosine", shrink=0.8)
    axis.set(xlabel="window", ylabel="window", title=f"{len(order)} vectors of {vectors.shape[1]} numbers")


def _people(axis: Axes, walked: Walked) -> None:
    """The vectors in the plane in which they differ most, coloured by person."""
    centred = walked.windows.vectors - walked.windows.vectors.mean(axis=0)
    plane = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    for person in range(walked.labels.max() + 1):
        mine = plane[walked.labels == person]
        axis.scatter(*mine.T, color=COLOURS[person % len(COLOURS)], s=22, label=f"{len(mine)} windows")
    axis.set(xticks=[], yticks=[], title=f"{walked.labels.max() + 1} people")
    axis.legend(fontsize=8)


def _timeline(axis: Axes, walked: Walked) -> None:
    """Each frame: is there speech, are there two, and whose is it."""
    likely = walked.timeline.people.argmax(axis=1)
    axis.fill_between(walked.seconds, walked.timeline.speech, color=NOBODY, linewidth=0)
    for person in range(walked.timeline.people.shape[1]):
        mine = np.where(likely == person, walked.timeline.speech, np.nan)
        axis.fill_between(walked.seconds, mine, color=COLOURS[person % len(COLOURS)], linewidth=0)
    axis.plot(walked.seconds, walked.timeline.overlap, color=INK, linewidth=0.8)
    axis.set(xlabel="seconds", ylabel="probability of speech", xlim=(0, walked.seconds[-1]), ylim=(0, 1.05))
    axis.set_title(f"speech, and whose it is: {walked.labels.max() + 1} people; the line: a second voice")


if __name__ == "__main__":
    main(*sys.argv[1:])
