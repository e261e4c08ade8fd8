"""One person's voice as a tape: all clips end to end, with the stretches where the person speaks marked exactly."""

from __future__ import annotations

import attrs
import numpy as np
from scipy import signal

from fastdiar.core.errors import AudioError
from fastdiar.core.speech import find_speech
from fastdiar.core.types import RATE
from fastdiar.plugins.datasets.conversation.casting import Voice
from fastdiar.plugins.datasets.conversation.turn_taking import LONGEST_TURN

HOP = RATE // 100
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


def make_tape(voice: Voice, random: np.random.Generator) -> Tape:
    """Read one voice's clips, in a random order, into a tape; raises `AudioError` where nobody speaks in them."""
    pieces: list[np.ndarray] = []
    runs: list[tuple[int, int]] = []
    for place in random.permutation(len(voice.clips)):
        sound = voice.clips[place]()
        pause = int(random.uniform(*BETWEEN_CLIPS) * RATE)
        said_until = None
        for start, end in find_speech(sound):
            _splice(pieces, runs, sound, start, end, pause if said_until is None else start - said_until)
            said_until = end
    if not runs:
        raise AudioError(f"{voice.speaker}: no speech in {len(voice.clips)} clips of this speaker")
    once, marks = np.concatenate(pieces), np.array(runs)
    once /= np.sqrt(np.mean(np.concatenate([once[start:end] for start, end in marks]) ** 2))
    times = 2 + int(LONGEST_TURN * RATE / len(once))
    return Tape(np.tile(once, times), np.concatenate([marks + time * len(once) for time in range(times)]), len(once))


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
