"""Voices as files: people known by name (JSON), and the people found in recordings (a NumPy archive). Neither can hold code.

The JSON is `{"format": 1, "model": {"name": …, "checksum": …}, "voices": [{"name": …, "seconds": …, "vector": […]}, …]}`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from attrs import field, validators

from fastdiar.core.bundle import Bundle, Identity
from fastdiar.core.errors import FormatError, ModelError
from fastdiar.core.files import replacing, write_text
from fastdiar.core.structure import StructureError, structure, unstructure
from fastdiar.core.types import Diarization

FORMAT = 1
LARGEST_FILE = 64 << 20
"""Bytes; a larger file is not a list of known voices."""
MOST_VOICES, MOST_NUMBERS, LONGEST_NAME = 10_000, 4096, 100
NAMELESS = re.compile(r"(speaker|channel)\d+")
"""What people are called who have no name."""


def expect_name(value: str) -> None:
    """Raises `ValueError` where nobody can be called so."""
    if not value.strip() or not value.isprintable() or len(value) > LONGEST_NAME:
        raise ValueError(f"must be a name of 1 to {LONGEST_NAME} printable characters: {value[:LONGEST_NAME]!r}")
    if NAMELESS.fullmatch(value):
        raise ValueError(f"must not be what somebody unknown is called: '{value}'")


def _usable(instance: Any, attribute: attrs.Attribute[Any], value: str) -> None:
    expect_name(value)


def _of_unit_length(instance: Any, attribute: attrs.Attribute[Any], value: tuple[float, ...]) -> None:
    if not 1 <= len(value) <= MOST_NUMBERS or abs(math.hypot(*value) - 1) > 1e-3:
        raise ValueError(f"must be 1 to {MOST_NUMBERS} numbers that make a vector of unit length: {len(value)} numbers")


@attrs.frozen
class KnownVoice:
    """A person enrolled under a `name`: a `vector` of unit length, from so many `seconds` of speech."""

    name: str = field(validator=_usable)
    seconds: float = field(validator=validators.ge(0))
    vector: tuple[float, ...] = field(validator=_of_unit_length, repr=False)


@attrs.frozen
class KnownVoices:
    """People enrolled with one model."""

    model: Identity
    voices: tuple[KnownVoice, ...] = field(validator=validators.max_len(MOST_VOICES))

    @voices.validator
    def _alike(self, attribute: attrs.Attribute[Any], value: tuple[KnownVoice, ...]) -> None:
        if len({voice.name for voice in value}) < len(value):
            raise ValueError("must have different names")
        if len({len(voice.vector) for voice in value}) > 1:
            raise ValueError("must have vectors of one length")

    def expect(self, bundle: Bundle) -> None:
        """That these are voices of the bundle's model; raises `ModelError`."""
        lengths = {len(voice.vector) for voice in self.voices}
        if self.model.checksum != bundle.identity.checksum or not lengths <= {bundle.embedding}:
            other = " of another version" if self.model.name == bundle.name else ""
            raise ModelError(
                f"the known voices are of the model '{self.model.name}'{other}, and mean nothing to '{bundle.name}': "
                f"enroll them again with --model {bundle.name}"
            )


def read_known(path: Path) -> KnownVoices:
    """Read what `fastdiar enroll` wrote; raises `FormatError` with what was expected."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise FormatError(f"{path}: larger than {LARGEST_FILE >> 20} MiB: not a list of known voices")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise FormatError(f"{path}: not JSON: expected what fastdiar enroll writes") from None
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise FormatError(f'{path}: expected what fastdiar enroll writes, an object with "format": {FORMAT}')
    try:
        return structure(content, KnownVoices)
    except StructureError as error:
        raise FormatError(f"{path}: {str(error).splitlines()[0]}") from None


def write_known(path: Path, known: KnownVoices) -> None:
    """Write what `read_known` reads, whole or not at all."""
    voices = [{**unstructure(voice), "vector": [round(number, 6) for number in voice.vector]} for voice in known.voices]
    content = {"format": FORMAT, "model": unstructure(known.model), "voices": voices}
    write_text(path, json.dumps(content, ensure_ascii=False).replace('{"name"', '\n{"name"') + "\n")


def write_embeddings(path: Path, found: Iterable[Diarization], bundle: Bundle) -> None:
    """Write the voices of recordings as an archive that `numpy.load` reads, whole or not at all.

    `recording` and `speaker` (text), `seconds` float32 and `vector` float32 `[people, dim]` have a row a person; `model` is
    the name and the checksum of the bundle's `Identity`.
    """
    rows = [(each.uri, speaker, voice) for each in found for speaker, voice in each.voices.items()]
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez(
            file,
            model=np.array([bundle.identity.name, bundle.identity.checksum]),
            recording=np.array([uri for uri, _, _ in rows], dtype=str),
            speaker=np.array([speaker for _, speaker, _ in rows], dtype=str),
            seconds=np.array([voice.seconds for _, _, voice in rows], np.float32),
            vector=np.array([voice.vector for _, _, voice in rows], np.float32).reshape(-1, bundle.embedding),
        )
