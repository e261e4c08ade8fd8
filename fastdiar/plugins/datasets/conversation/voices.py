"""One person's voice as a tape: all clips end to end, with the stretches where the person speaks marked exactly."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import attrs
import numpy as np
from scipy import ndimage, signal

from fastdiar.core import audio
from fastdiar.core.errors import AudioError
from fastdiar.core.types import RATE
from fastdiar.plugins.datasets.conversation.turn_taking import LONGEST_TURN

HOP = RATE // 100
BRIDGED = 30
"""Pauses (frames of 10 ms) shorter than this belong to the speech around them."""
SHORTEST = 8
"""Sounds (frames) shorter than this are clicks, not speech."""
SOFT = 3
"""Frames before and after: speech begins and ends softer than the threshold."""
LEAST_RANGE = 15.0
"""Decibels between background and loud syllables below which no threshold parts them."""
LONGEST_PAUSE = 0.5
"""Longer pauses (seconds) inside a tape are shortened to this."""
BETWEEN_CLIPS = (0.15, 0.5)
"""Pauses (seconds) between clips."""
MARGIN = 0.05
"""What is kept around speech (seconds), so that nothing begins with a step."""


@attrs.frozen(eq=False)
class Tape:
    """A voice as a loop: `samples` float32 `[samples]` at 16 kHz, `runs` int `[n, 2]` where the person speaks.

    The RMS of the speech is 1. After `period` samples everything comes again, for a while.
    """

    samples: np.ndarray
    runs: np.ndarray
    period: int

    def take(self, place: int, seconds: float) -> tuple[int, int]:
        """From where to where to play for about `seconds` of speech that begins at or after sample `place`."""
        ahead = self.runs[self.runs[:, 1] > place % self.period]
        start = max(place % self.period, int(ahead[0, 0]))
        aim = start + int(seconds * RATE)
        end = int(ahead[ahead[:, 0] < aim][-1, 1])
        return start, end if end <= aim else self._quietest(max(start + HOP, aim - RATE // 10), min(end, aim + RATE // 10))

    def _quietest(self, start: int, end: int) -> int:
        """The quietest moment between two samples: a cut that rarely parts a syllable."""
        energy = signal.convolve(self.samples[start:end] ** 2, np.ones(HOP), mode="same")
        return start + int(np.argmin(energy)) if end > start else end


def make_tape(clips: Iterable[Path], random: np.random.Generator) -> Tape:
    """Read one voice's clips, in a random order, into a tape; raises `AudioError` where nobody speaks in them."""
    paths = list(clips)
    pieces: list[np.ndarray] = []
    runs: list[tuple[int, int]] = []
    for place in random.permutation(len(paths)):
        sound = audio.read(paths[place])
        pause = int(random.uniform(*BETWEEN_CLIPS) * RATE)
        said_until = None
        for start, end in find_speech(sound):
            _splice(pieces, runs, sound, start, end, pause if said_until is None else start - said_until)
            said_until = end
    if not runs:
        raise AudioError(f"{paths[0].parent}: no speech in {len(paths)} clips of one speaker")
    once, marks = np.concatenate(pieces), np.array(runs)
    once /= np.sqrt(np.mean(np.concatenate([once[start:end] for start, end in marks]) ** 2))
    times = 2 + int(LONGEST_TURN * RATE / len(once))
    return Tape(np.tile(once, times), np.concatenate([marks + time * len(once) for time in range(times)]), len(once))


def find_speech(sound: np.ndarray) -> list[tuple[int, int]]:
    """Where the person of one clip speaks, `(start, end)` in samples; nothing where voice and background are too close.

    The threshold lies between the clip's own background and its loud syllables, on a scale of decibels: an absolute one
    would call the noise of a poor microphone speech.
    """
    level = _level(sound)
    background, loud = np.quantile(level, (0.05, 0.95))
    background = max(background, loud - 60)
    return _runs(level > background + 0.3 * (loud - background), len(sound)) if loud - background > LEAST_RANGE else []


def _splice(pieces: list[np.ndarray], runs: list[tuple[int, int]], sound: np.ndarray, start: int, end: int, pause: int) -> None:
    """Append `sound[start:end]` after `pause` samples, with a soft margin before and after."""
    margin = int(MARGIN * RATE)
    lead, tail = min(margin, start, pause // 2), min(margin, len(sound) - end)
    piece = sound[start - lead : end + tail].copy()
    fade = min(margin // 2, len(piece) // 2)
    piece[:fade] *= np.linspace(0, 1, fade)
    piece[len(piece) - fade :] *= np.linspace(1, 0, fade)
    silence = np.zeros(max(0, min(pause, int(LONGEST_PAUSE * RATE)) - lead - margin), np.float32)
    place = sum(map(len, pieces)) + len(silence) + lead
    pieces += [silence, piece]
    runs.append((place, place + end - start))


def _level(sound: np.ndarray) -> np.ndarray:
    """Decibels of each 10 ms, over 50 ms, in the band where speech is strong and rumble and hiss are not."""
    band = signal.sosfilt(signal.butter(2, (150, 4000), "bandpass", fs=RATE, output="sos"), sound)
    frames = np.pad(band, (0, -len(sound) % HOP)).reshape(-1, HOP)
    power = ndimage.uniform_filter1d(np.mean(frames**2, axis=1), 5, mode="nearest")
    return 10 * np.log10(power + 1e-10)


def _runs(active: np.ndarray, samples: int) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.pad(active.astype(np.int8), 1))).reshape(-1, 2)
    joined: list[list[int]] = []
    for start, end in edges[edges[:, 1] - edges[:, 0] >= 3].tolist():
        if joined and start - joined[-1][1] < BRIDGED:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    kept = [(max(0, start - SOFT), end + SOFT) for start, end in joined if end - start >= SHORTEST]
    return [(start * HOP, min(end * HOP, samples)) for start, end in kept]
