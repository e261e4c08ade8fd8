"""A model on disk: a folder of ONNX graphs with `bundle.toml` beside them.

`encode.onnx`    waveform [batch, samples] → frames [batch, frames, dim]
                 and, where one network does both, activity [batch, frames, classes]
`activity.onnx`  waveform [batch, samples] → activity, where that is a network of its own
`embed.onnx`     frames [batch, frames, dim], weights [batch, speakers, frames] → embedding [batch, speakers, dim]
`classify.onnx`  waveform → logits [batch, classes], where there is a speaker head
`backend.safetensors`  arrays for scoring the embeddings, where there are any

`activity` holds powerset probabilities: which of up to `speakers` local voices speak, at most `at_once` of them
(Plaquet and Bredin, Powerset multi-class cross entropy loss, Interspeech 2023).
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import attrs
from attrs import field, validators

from fastdiar.core.errors import ModelError
from fastdiar.core.files import write_text
from fastdiar.core.structure import StructureError, structure
from fastdiar.core.toml_text import dumps
from fastdiar.core.types import Frames

FORMAT = 1
MANIFEST = "bundle.toml"
BACKEND = "backend.safetensors"
ACTIVITY = "activity.onnx"
GRAPHS = ("encode.onnx", ACTIVITY, "embed.onnx", "classify.onnx")
LARGEST_FILE = 1 << 30
MOST_SPEAKERS = 10
"""Local voices; with each more, the classes may double."""


@attrs.frozen
class Activity:
    """The activity stream: frame `hop` and `first` in samples, up to `speakers` local voices, `at_once` together."""

    hop: float = field(validator=validators.ge(1))
    first: float
    speakers: int = field(default=3, validator=[validators.ge(1), validators.le(MOST_SPEAKERS)])
    at_once: int = field(default=2, validator=validators.ge(1))

    @at_once.validator
    def _at_most_all(self, attribute: attrs.Attribute[Any], value: int) -> None:
        if value > self.speakers:
            raise ValueError(f"must be at most 'speakers', {self.speakers}: {value}")


@attrs.frozen
class Identity:
    """Which model made a vector, by name and by a checksum of the graphs it came from; only those of one checksum compare."""

    name: str
    checksum: str


@attrs.frozen
class Bundle:
    """What `bundle.toml` says. `files` maps names inside the folder to their SHA-256; `labels` are `classify`'s classes.

    `diarization` is a recipe's `[diarization]` table with its `cluster`; `recipe` is the resolved recipe the network was
    trained from; `made` says with which versions.
    """

    name: str
    frames: Frames
    activity: Activity | None = None
    embedding: int = field(default=0, validator=validators.ge(0))
    files: dict[str, str] = attrs.Factory(dict)
    labels: tuple[str, ...] = ()
    diarization: dict[str, Any] = attrs.Factory(dict)
    recipe: dict[str, Any] = attrs.Factory(dict)
    made: dict[str, str] = attrs.Factory(dict)

    @property
    def identity(self) -> Identity:
        """What the model's vectors are tagged with."""
        graphs = "".join(self.files.get(name, "") for name in ("encode.onnx", "embed.onnx"))
        return Identity(self.name, hashlib.sha256(graphs.encode()).hexdigest())


def read_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle; raises `ModelError` that names the file and what is wrong with it."""
    path = folder / MANIFEST
    if not path.is_file():
        if (folder / "recipe.toml").is_file():
            raise ModelError(f"{folder}: is a run, not yet a model: fastdiar export {folder} -o MODEL makes one")
        raise ModelError(f"{folder}: not a model: no {MANIFEST} in it")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not TOML: {error}") from None
    if table.pop("format", None) != FORMAT:
        raise ModelError(f"{path}: made for another version of fastdiar: expected format = {FORMAT}")
    try:
        bundle = structure(table, Bundle)
    except StructureError as error:
        raise ModelError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None
    for name, digest in bundle.files.items():
        _verify(folder, name, digest)
    return bundle


def write_bundle(folder: Path, bundle: Bundle) -> Bundle:
    """Write `bundle.toml` for the files that lie in `folder`; returns the bundle with their checksums."""
    names = [name for name in (*GRAPHS, BACKEND) if (folder / name).is_file()]
    bundle = attrs.evolve(bundle, files={name: _digest(folder / name) for name in names})
    table = attrs.asdict(bundle, filter=lambda _, value: value is not None)
    write_text(folder / MANIFEST, dumps({"format": FORMAT, **table}))
    return bundle


def _verify(folder: Path, name: str, digest: str) -> None:
    path = folder / name
    if Path(name).name != name:
        raise ModelError(f"{folder / MANIFEST}: files: '{name}' leaves the model's folder")
    if not path.is_file():
        raise ModelError(f"{path}: missing, though {MANIFEST} lists it")
    if path.stat().st_size > LARGEST_FILE:
        raise ModelError(f"{path}: larger than {LARGEST_FILE >> 20} MiB")
    if _digest(path) != digest:
        raise ModelError(f"{path}: changed since the model was made (its SHA-256 is not the one in {MANIFEST})")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
