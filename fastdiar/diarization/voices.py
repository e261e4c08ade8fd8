"""Whose voice is it: a vector for each person found, and names for those who are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from fastdiar.core.clustering import Windows
from fastdiar.core.types import Diarization, Turn, Voice
from fastdiar.core.voices import KnownVoices


def voices_of(turns: Sequence[Turn], people: Mapping[str, int], windows: Windows, labels: np.ndarray) -> dict[str, Voice]:
    """Each person's voice: the mean of their windows, by the speech in each, and the seconds of their turns.

    `people` says which of the `labels` int `[windows]` each name is.
    """
    voices = {}
    for name, person in people.items():
        mine = labels == person
        seconds = sum(turn.duration for turn in turns if turn.speaker == name)
        voices[name] = Voice(unit(windows.seconds[mine] @ windows.vectors[mine]), round(seconds, 3))
    return voices


def named(found: Diarization, known: KnownVoices, threshold: float) -> Diarization:
    """`found` with the names of those who are known: a name for one person at most, a person for one name.

    Of all assignments the one whose cosines exceed the threshold by most in sum; who stays below it keeps a number.
    """
    if not found.voices or not known.voices:
        return found
    speakers = list(found.voices)
    cosines = np.array([found.voices[name].vector for name in speakers]) @ np.array([voice.vector for voice in known.voices]).T
    pairs = zip(*linear_sum_assignment(np.maximum(cosines - threshold, 0), maximize=True), strict=True)
    return found.renamed({speakers[row]: known.voices[column].name for row, column in pairs if cosines[row, column] >= threshold})


def unit(vector: np.ndarray) -> np.ndarray:
    """`vector` with a length of 1, float32."""
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
