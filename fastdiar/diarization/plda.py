"""A PLDA fitted to the windows that the walk makes of recordings whose speakers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy.linalg import eigh

from fastdiar.core.bundle import BACKEND, Bundle, write_bundle
from fastdiar.core.errors import FastdiarError, FormatError, ModelError
from fastdiar.core.files import replacing
from fastdiar.core.formats import read_rttm
from fastdiar.core.types import RATE, Recording, Turn
from fastdiar.diarization.model import Model
from fastdiar.diarization.settings import settings_of
from fastdiar.diarization.walk import heard_chunks

DIM = 128
LEAST_WINDOWS = 6
"""People with fewer windows say nothing of how a voice varies."""
LEAST_SECONDS, LEAST_SHARE, LARGEST_OTHER = 0.7, 0.4, 0.1
"""A window of so many seconds is somebody's who speaks so long in the 0.8 s around its middle, and all others so little."""


def add_backend(
    folder: Path, meetings: Path, progress: Callable[[int, int], None] = lambda done, total: None, threads: int = 1
) -> Bundle:
    """Fit a PLDA to `meetings` as the model in `folder` hears them on `threads` cores, and put it into the model.

    `meetings` is a folder of recordings with an RTTM file each, in which a person has one name. `progress` is told how many
    recordings are done, and of how many. Raises `ModelError`, and `FormatError` where there is nothing to learn from.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: expected the folder of a model of your own; fastdiar bundle makes one")
    model = Model(folder, threads)
    backend = _fit_to(model, meetings, progress)
    with replacing(folder / BACKEND) as beside:
        save_file(backend, beside)
    return write_bundle(folder, model.bundle)


def fit_plda(vectors: np.ndarray, names: Sequence[str], dim: int = DIM) -> dict[str, np.ndarray]:
    """Two-covariance PLDA of unit vectors `[windows, dim]` and whose they are.

    `plda_mean` is subtracted, the length set to √dim, then `plda_transform [dim, kept]` makes the variance within a person 1 and
    that between people `plda_between [kept]`. Raises `FastdiarError` where fewer people than directions are known.
    """
    people, person, counts = np.unique(names, return_inverse=True, return_counts=True)
    known = counts[person] >= LEAST_WINDOWS
    people, person, counts = np.unique(np.asarray(names)[known], return_inverse=True, return_counts=True)
    if len(people) <= dim:
        raise FastdiarError(f"a PLDA needs more than {dim} people with {LEAST_WINDOWS} windows each, got {len(people)}")
    mean = vectors[known].mean(axis=0)
    centred = vectors[known] - mean
    centred *= np.sqrt(centred.shape[1]) / np.linalg.norm(centred, axis=1, keepdims=True)
    means = np.zeros((len(people), centred.shape[1]))
    np.add.at(means, person, centred)
    means /= counts[:, None]
    deviations = centred - means[person]
    within = deviations.T @ deviations / (len(centred) - len(people))
    between = means.T @ means / len(people) - within * np.mean(1 / counts)
    variance, directions = eigh(between, within)
    kept, spread = directions[:, ::-1][:, :dim], np.maximum(variance[::-1][:dim], 1e-3)
    arrays = {"plda_mean": mean, "plda_transform": kept, "plda_between": spread}
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def known_voices(model: Model, recording: Recording, turns: Sequence[Turn]) -> Iterator[tuple[np.ndarray, str]]:
    """Each window of a recording in which one person speaks as good as alone by its true `turns`: vector `[dim]` and name."""
    for chunk in heard_chunks(recording, model, settings_of(model)):
        for vector, centre, seconds in zip(chunk.vectors, chunk.centre / RATE, chunk.seconds, strict=True):
            speaker = _speaker_at(turns, centre) if seconds >= LEAST_SECONDS else None
            if speaker is not None:
                yield vector, speaker


def _fit_to(model: Model, folder: Path, progress: Callable[[int, int], None]) -> dict[str, np.ndarray]:
    references = sorted(folder.glob("*.rttm"))
    if not references:
        raise FormatError(f"{folder}: holds no .rttm files: expected recordings with their references")
    vectors, names = [], []
    for number, reference in enumerate(references):
        turns = [turn for found in read_rttm(reference).values() for turn in found]
        for vector, speaker in known_voices(model, Recording(path=_recording_of(reference)), turns):
            vectors.append(vector)
            names.append(speaker)
        progress(number + 1, len(references))
    return fit_plda(np.array(vectors), names)


def _speaker_at(turns: Sequence[Turn], centre: float) -> str | None:
    """Who speaks around `centre` (seconds) as good as alone, or None."""
    spoken: dict[str, float] = {}
    for turn in turns:
        shared = min(turn.end, centre + 0.4) - max(turn.start, centre - 0.4)
        if shared > 0:
            spoken[turn.speaker] = spoken.get(turn.speaker, 0.0) + shared
    speaker = max(spoken, key=lambda name: spoken[name], default=None)
    clear = speaker is not None and spoken[speaker] >= LEAST_SHARE and sum(spoken.values()) - spoken[speaker] < LARGEST_OTHER
    return speaker if clear else None


def _recording_of(reference: Path) -> Path:
    for suffix in (".flac", ".wav", ".ogg", ".opus", ".mp3"):
        if reference.with_suffix(suffix).is_file():
            return reference.with_suffix(suffix)
    raise FormatError(f"{reference}: no recording of the same name beside it")
