"""A model ready to diarize: its bundle, its settings and its clustering together."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np

from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.errors import FastdiarError
from fastdiar.core.types import Diarization, Recording
from fastdiar.core.voices import KnownVoices
from fastdiar.diarization.channels import SPLIT, each_channel
from fastdiar.diarization.model import Model, Provider, find_model
from fastdiar.diarization.settings import clustering_of, settings_of
from fastdiar.diarization.voices import named
from fastdiar.diarization.walk import Asked, Progress, walk


def load(model: str | Path = DEFAULT_MODEL, threads: int = 1, provider: Provider = "cpu") -> Diarizer:
    """A model by its name or folder, ready to be called; raises `ModelError`.

    `threads` is how many cores it uses at once; `provider` is "cpu", or "cuda" or "tensorrt" with `fastdiar[gpu]`.
    """
    return Diarizer(Model(find_model(model), threads, provider))


def diarize(
    audio: str | Path | np.ndarray,
    rate: int | None = None,
    *,
    model: str | Path = DEFAULT_MODEL,
    num_speakers: int | None = None,
    min_speakers: int | None = None,
    max_speakers: int | None = None,
) -> Diarization:
    """Who spoke when in a file, or in samples `[samples]` or `[samples, channels]` (float, -1…1) at `rate` Hz.

    Raises `AudioError` and `ModelError`. To diarize many recordings, `load` a model once and call that.
    """
    return load(model)(audio, rate, num_speakers=num_speakers, min_speakers=min_speakers, max_speakers=max_speakers)


class Diarizer:
    """Call it with a recording to learn who spoke when."""

    def __init__(self, model: Model) -> None:
        """Read the settings that the bundle carries; raises `ModelError`."""
        self.model = model
        self.settings = settings_of(model)
        self.clustering = clustering_of(model)

    def __call__(
        self,
        audio: str | Path | np.ndarray,
        rate: int | None = None,
        *,
        channel: int | str = "mix",
        uri: str | None = None,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        exclusive: bool = False,
        runner_up: bool = False,
        known: KnownVoices | None = None,
        progress: Progress = lambda done, total: None,
    ) -> Diarization:
        """Diarize a file, or samples at `rate` Hz; raises `AudioError`.

        `channel` is a number from 0, "mix" for the mean of all, or "split" where each holds one person. `exclusive` names one
        person at a time, the likelier of two who speak together. `runner_up` asks for a second answer beside the first, with one
        person more. People in `known` are called by their names. `progress` is
        told seconds heard and seconds in all.
        """
        if known is not None:
            known.expect(self.model.bundle)
        asked = Asked(*_bounds(num_speakers, min_speakers, max_speakers), exclusive, runner_up)
        recording = _recording(audio, rate, channel, uri)
        if channel != SPLIT:
            found = self._heard(recording, asked, progress)
        elif asked == Asked():
            one_person = Asked(max_speakers=1)
            found = each_channel(recording, lambda channel, told: self._heard(channel, one_person, told), progress)
        else:
            raise FastdiarError("split channels hold one speaker each: leave the number of speakers, exclusive and runner-up out")
        return found if known is None else named(found, known, self.settings.known_cosine)

    def _heard(self, recording: Recording, asked: Asked, progress: Progress) -> Diarization:
        found = walk(recording, self.model, self.settings, self.clustering, asked, progress)
        least, people = asked.min_speakers, len(found.speakers)
        if people < least and least > 1:
            number = least if asked.max_speakers == least else f"at least {least}"
            wish = f"{found.uri}: asked for {number} speakers, found speech for {people}"
            return attrs.evolve(found, warnings=(*found.warnings, wish))
        return found


def _bounds(number: int | None, least: int | None, most: int | None) -> tuple[int, int | None]:
    if number is not None and (least is not None or most is not None):
        raise FastdiarError("the number of speakers is given twice: as a number and as a minimum or maximum")
    for value in (number, least, most):
        if value is not None and not isinstance(value, int):
            raise FastdiarError(f"the number of speakers must be a whole number: {value!r}")
    least, most = (number, number) if number is not None else (1 if least is None else least, most)
    if least < 1 or (most is not None and most < least):
        raise FastdiarError(f"the number of speakers must be 1 or more, and the minimum at most the maximum: {least} to {most}")
    return least, most


def _recording(audio: str | Path | np.ndarray, rate: int | None, channel: int | str, uri: str | None) -> Recording:
    if not isinstance(audio, str | Path | np.ndarray):
        raise FastdiarError(f"expected a path or an array of samples, got {type(audio).__name__}")
    if not isinstance(audio, np.ndarray):
        path = Path(audio)
        return Recording(path=path, channel=channel, uri=uri or ("stdin" if str(audio) == "-" else path.stem))
    if rate is None:
        raise FastdiarError("samples need their sampling rate: diarize(samples, rate=16000)")
    return Recording(samples=audio, rate=rate, channel=channel, uri=uri or "recording")
