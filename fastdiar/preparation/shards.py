"""Utterances in tar files of bounded size: the layout of webdataset, with an index that training reads them by."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from fastdiar.core import audio
from fastdiar.core.dataset import Entry
from fastdiar.core.errors import AudioError, DataError
from fastdiar.core.files import replacing, write_text
from fastdiar.core.manifest import write_manifest
from fastdiar.core.shards import ENTRIES, INDEX, LARGEST_MEMBER, PLACE
from fastdiar.core.types import RATE, Turn
from fastdiar.preparation.conversion import write_flac

SEED = 0
"""Of the order in which utterances go to shards, so that whoever reads them one after another meets the speakers mixed."""

Turns = Callable[[Entry], Sequence[Turn] | None]


@attrs.frozen
class Sharded:
    """How many shards and utterances were written, and which utterances could not be, with the reason."""

    shards: int
    utterances: int
    bad: list[str]


def write_shards(
    folder: Path,
    entries: Sequence[Entry],
    place: Callable[[Path], Path],
    turns: Turns,
    largest: int,
    progress: Callable[[int, int], None],
) -> Sharded:
    """Write utterances as shards of at most `largest` bytes; one utterance is never cut.

    `place` tells where the FLAC of an entry's path is, at 16 kHz; `turns` who speaks in the entry, if that is known.

    The index comes last: without it there are no shards. Raises `DataError` where the folder cannot be written to.
    """
    order = np.random.default_rng(SEED).permutation(len(entries))
    bad: list[str] = []
    shards: list[dict[str, Any]] = []
    labels = sorted({label for entry in entries for label in entry.labels} - set(PLACE))
    samples = _samples((entries[index] for index in order), place, turns, bad)
    try:
        (folder / INDEX).unlink(missing_ok=True)
        write_manifest(folder / ENTRIES, [*PLACE, *labels], _told(_rows(samples, folder, largest, shards), progress, len(order)))
        write_text(folder / INDEX, json.dumps({"wids_version": 1, "shardlist": shards}, indent=1) + "\n")
    except OSError as error:
        raise DataError(f"{folder}: cannot be written to: {error.strerror}") from None
    return Sharded(len(shards), sum(shard["nsamples"] for shard in shards), bad)


@attrs.frozen(eq=False)
class _Sample:
    entry: Entry
    seconds: float
    flac: bytes
    about: bytes

    @property
    def room(self) -> int:
        """Bytes it takes in a tar file, at most."""
        return len(self.flac) + len(self.about) + 4 * tarfile.BLOCKSIZE


def _samples(entries: Iterable[Entry], place: Callable[[Path], Path], turns: Turns, bad: list[str]) -> Iterator[_Sample]:
    for entry in entries:
        try:
            flac, seconds = _flac(attrs.evolve(entry, path=place(entry.path)))
        except AudioError as error:
            bad.append(str(error))
            continue
        heard = turns(entry)
        about = {"key": entry.key, "seconds": seconds, "labels": entry.labels}
        about |= {} if heard is None else {"turns": [[turn.start, turn.end, turn.speaker] for turn in heard]}
        yield _Sample(entry, seconds, flac, json.dumps(about, ensure_ascii=False).encode())


def _flac(entry: Entry) -> tuple[bytes, float]:
    """An entry as a file of its own, and its seconds."""
    if entry.start == 0 and entry.seconds is None:
        seconds, data = audio.length(entry.path), entry.path.read_bytes()
    else:
        samples, file = audio.read(entry.path, entry.start, entry.seconds), io.BytesIO()
        seconds = write_flac([samples], file) / RATE
        data = file.getvalue()
    if len(data) > LARGEST_MEMBER:
        raise AudioError(f"{entry.path}: too long for a shard: {seconds / 3600:.1f} hours")
    return data, seconds


def _rows(samples: Iterator[_Sample], folder: Path, largest: int, shards: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Write shard after shard; the row of each utterance as it is written, and each whole shard in `shards`."""
    number, sample = 0, next(samples, None)
    while sample is not None:
        shard, first = f"shard-{len(shards):06d}.tar", number
        with replacing(folder / shard) as beside:
            with tarfile.open(beside, "w", format=tarfile.USTAR_FORMAT) as archive:
                while sample and (number == first or archive.offset + sample.room + tarfile.RECORDSIZE <= largest):
                    member = f"{number:09d}.flac"
                    place = {"key": sample.entry.key, "shard": shard, "member": member, "offset": archive.offset}
                    _add(archive, member, sample.flac)
                    _add(archive, f"{number:09d}.json", sample.about)
                    yield {**sample.entry.labels, **place, "seconds": sample.seconds}
                    number, sample = number + 1, next(samples, None)
            shards.append(_summary(shard, number - first, beside))


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def _summary(name: str, count: int, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return {"url": name, "nsamples": count, "filesize": path.stat().st_size, "md5sum": digest}


def _told(rows: Iterator[dict[str, Any]], progress: Callable[[int, int], None], total: int) -> Iterator[dict[str, Any]]:
    for count, row in enumerate(rows, 1):
        yield row
        progress(count, total)
