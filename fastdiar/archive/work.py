"""What is done with each recording of an archive, in a process of its own, which may be on another machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs

from fastdiar.archive.sources import Source
from fastdiar.core.bundle import MANIFEST
from fastdiar.core.errors import FastdiarError, ModelError
from fastdiar.core.formats import Format
from fastdiar.core.structure import unstructure
from fastdiar.diarization.diarizer import Diarizer, load
from fastdiar.diarization.model import ASSETS, Model, Provider


@attrs.frozen
class Diarized:
    """The turns of a recording as `text`, and what the manifest says of it."""

    text: bytes
    seconds: float
    speakers: int
    warnings: tuple[str, ...] = ()


@attrs.frozen
class Failed:
    """Why a recording was not diarized."""

    reason: str


@attrs.frozen
class Work:
    """Call it with a recording; it says what it found and writes nothing, so that it can be stopped and done again.

    `wishes` are what a `Diarizer` takes. `checksum` is that of the model where the work was handed out: with another one
    there is no result.
    """

    model: str
    checksum: str
    provider: Provider
    threads: int
    style: Format
    wishes: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides what is found, as JSON can hold it."""
        wishes = dict(self.wishes)
        if "known" in wishes:
            wishes["known"] = sha256(json.dumps(unstructure(wishes["known"])).encode()).hexdigest()
        return {"model": Path(self.model).name, "checksum": self.checksum, "format": self.style.name, **wishes}

    def __call__(self, source: Source) -> Diarized | Failed:
        """Diarize one recording; raises `ModelError` where the model is not here or is another one, `MissingExtra`."""
        diarizer = _diarizer(self.model, self.checksum, self.provider, self.threads)
        try:
            found = diarizer(source.path, **self.wishes)
            text = self.style.write(found).encode()
        except FastdiarError as error:
            return Failed(str(error).removeprefix(f"{source.path}: "))
        except UnicodeEncodeError:
            return Failed("its name is not plain text in UTF-8")
        except Exception as error:  # noqa: BLE001 - whatever a stranger's file leads to, only that file is lost
            return Failed(f"broken: {type(error).__name__}: {error}")
        return Diarized(text, found.seconds or 0.0, len(found.speakers), found.warnings)


def work_of(model: Model, style: Format, wishes: Mapping[str, Any]) -> Work:
    """What is to be done with each recording, by a model that every machine has: under its name, or in the same folder."""
    ships = model.folder.parent == ASSETS
    name = model.folder.name if ships else str(model.folder.absolute())
    return Work(name, _checksum(model), model.provider, model.threads, style, wishes)


def _checksum(model: Model) -> str:
    """Of all that decides what a model says: graphs, thresholds and clustering."""
    return sha256((model.folder / MANIFEST).read_bytes()).hexdigest()


@lru_cache(maxsize=1)
def _diarizer(model: str, expected: str, provider: Provider, threads: int) -> Diarizer:
    diarizer = load(model, threads, provider)
    if _checksum(diarizer.model) != expected:
        raise ModelError(f"{diarizer.model.folder}: is not the model of the process that hands out the work: install the same")
    return diarizer
