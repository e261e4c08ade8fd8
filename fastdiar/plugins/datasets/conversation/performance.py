"""A meeting performed: every person's slots filled with his or her own speech, and the exact turns that this makes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastdiar.core.types import RATE, Turn
from fastdiar.plugins.datasets.conversation.turn_taking import Slot
from fastdiar.plugins.datasets.conversation.voices import Tape

FADE = RATE // 200
"""Samples over which a cut is softened."""


def perform(
    slots: Sequence[Slot], tapes: Sequence[Tape], names: Sequence[str], samples: int
) -> tuple[np.ndarray, tuple[Turn, ...]]:
    """Tracks float32 `[people, samples]`, and their turns; a tape goes on where its last slot ended."""
    tracks = np.zeros((len(tapes), samples), np.float32)
    places = [0] * len(tapes)
    turns = []
    for slot in slots:
        tape, at = tapes[slot.person], round(slot.start * RATE)
        start, end = tape.take(places[slot.person], slot.end - slot.start)
        end = places[slot.person] = min(end, start + samples - at)
        tracks[slot.person, at : at + end - start] += _softened(tape.samples[start:end])
        runs = np.clip(tape.runs, start, end) - start + at
        turns += [Turn(float(first / RATE), float(last / RATE), names[slot.person]) for first, last in runs if last > first]
    return tracks, tuple(sorted(turns))


def _softened(sound: np.ndarray) -> np.ndarray:
    fade = min(FADE, len(sound) // 2)
    window = np.ones(len(sound), np.float32)
    window[:fade] = np.linspace(0, 1, fade)
    window[len(sound) - fade :] = np.linspace(1, 0, fade)
    return sound * window
