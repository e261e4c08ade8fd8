"""Shards, as `fastdiar prepare --shards` writes them."""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
from attrs import field

from fastdiar.core import audio
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError
from fastdiar.core.manifest import manifest_rows
from fastdiar.core.shards import ENTRIES, INDEX, LARGEST_MEMBER, PLACE
from fastdiar.core.splits import SplitConfig, split_entries
from fastdiar.core.types import Turn


@attrs.frozen(kw_only=True)
class ShardsConfig(SplitConfig):
    """`use = "shards"`: the folder `shards` that `fastdiar prepare --shards` makes."""

    root: Path = field(metadata={"help": "the folder that holds shards.json"})


@attrs.frozen
class Member(Entry):
    """An utterance whose `path` is a tar file: its name in there, and the byte at which its header begins."""

    member: str = ""
    offset: int = 0


class Shards(Dataset):
    """Utterances in a few large files. The index tells where each lies, so any order reads them; the tar file is not searched.

    Keys, labels, turns and so the splits are those of the corpus that was prepared.
    """

    config_class: ClassVar[type] = ShardsConfig
    config: ShardsConfig

    def entries(self) -> list[Entry]:
        """Every utterance, in the order of the shards; raises `DataError` and `FormatError`."""
        table = self.config.root / ENTRIES
        rows = manifest_rows(table, PLACE)
        return split_entries([self._entry(row, f"{table}:{line}") for line, row in enumerate(rows, 2)], self.config)

    def load(self, entry: Entry) -> np.ndarray:
        """One utterance's samples, float32 `[samples]` at 16 kHz; raises `AudioError`."""
        with _opened(entry) as archive:
            return audio.decode(_next(archive, entry, ".flac"), f"{entry.path}: {entry.key}")

    def turns(self, entry: Entry) -> tuple[Turn, ...] | None:
        """Who speaks when, where the corpus told; raises `AudioError`."""
        with _opened(entry) as archive:
            _next(archive, entry, ".flac")
            about = _next(archive, entry, ".json")
        try:
            turns = json.loads(about).get("turns")
            return None if turns is None else tuple(Turn(float(start), float(end), str(name)) for start, end, name in turns)
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise AudioError(f"{entry.path}: {entry.key}: its turns cannot be read: make the shards again") from None

    @cached_property
    def _shards(self) -> dict[str, Path]:
        """The shards by name; raises `DataError` where one is missing or not whole."""
        index = self.config.root / INDEX
        if not index.is_file():
            raise DataError(f"{index}: no such file: expected a folder of shards, as fastdiar prepare --shards makes it")
        try:
            sizes = {str(shard["url"]): int(shard["filesize"]) for shard in json.loads(index.read_text("utf-8"))["shardlist"]}
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DataError(f"{index}: not an index of shards: make them again") from None
        for name, size in sizes.items():
            path = self.config.root / name
            if Path(name).name != name or not path.is_file() or path.stat().st_size != size:
                raise DataError(f"{path}: missing, or not as long as {INDEX} says: copy it again, or make the shards again")
        return {name: self.config.root / name for name in sizes}

    def _entry(self, row: dict[str, str], place: str) -> Member:
        labels = {name: sys.intern(value) for name, value in row.items() if value and name not in PLACE}
        try:
            path, offset, seconds = self._shards[row["shard"]], int(row["offset"]), float(row["seconds"])
        except (KeyError, ValueError):
            raise DataError(f"{place}: expected a shard of {INDEX}, an offset in bytes and seconds") from None
        return Member(row["key"], path, labels, seconds=seconds, member=row["member"], offset=offset)


@contextmanager
def _opened(entry: Any) -> Iterator[tarfile.TarFile]:
    """The shard, standing at the entry's first member."""
    try:
        with entry.path.open("rb") as file:
            file.seek(entry.offset)
            with tarfile.TarFile(fileobj=file) as archive:
                yield archive
    except (OSError, OverflowError, ValueError, tarfile.TarError) as error:
        raise AudioError(f"{entry.path}: {entry.key}: cannot be read: {error}") from None


def _next(archive: tarfile.TarFile, entry: Any, suffix: str) -> bytes:
    """The next member's bytes, if it is the one that is expected."""
    name = Path(entry.member).with_suffix(suffix).name
    info = archive.next()
    if info is None or info.name != name or not info.isreg() or info.size > LARGEST_MEMBER:
        raise AudioError(f"{entry.path}: {entry.key}: is not where {ENTRIES} says: make the shards again")
    file = archive.extractfile(info)
    return b"" if file is None else file.read()
