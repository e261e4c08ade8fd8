"""Recordings of several people, with RTTM files that say who speaks when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

import attrs
from attrs import field, validators

from fastdiar.core.audio import SUFFIXES
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError, nearest
from fastdiar.core.files import existing_folder
from fastdiar.core.formats import read_rttm, read_uem
from fastdiar.core.sessions import Session, chunks, segments, session, turns_of
from fastdiar.core.splits import SplitConfig, split_entries
from fastdiar.core.types import Turn

T = TypeVar("T")

PAUSE = 0.5
"""Seconds; a shorter silence does not end a segment."""


@attrs.frozen(kw_only=True)
class RttmConfig(SplitConfig):
    """`use = "rttm"`: `root/NAME.wav` (or flac, ogg, opus, mp3, m4a…) with `NAME.rttm`, and `NAME.uem` where there is one."""

    root: Path = field(metadata={"help": "the folder of recordings, searched to the bottom"})
    rttms: Path | None = field(default=None, metadata={"help": "the folder of RTTM files; none: `root`"})
    uems: Path | None = field(default=None, metadata={"help": "the folder of UEM files; none: the folder of the RTTM files"})
    unit: Literal["chunk", "segment"] = field(
        default="chunk", metadata={"help": "chunks of whole recordings, or segments of one speaker's speech"}
    )
    seconds: float = field(
        default=10.0, validator=validators.ge(0.1), metadata={"help": "length of a chunk, and of the longest segment"}
    )
    shortest: float = field(
        default=1.0, validator=validators.gt(0), metadata={"help": "length of the shortest segment (seconds)"}
    )
    step: float | None = field(
        default=None,
        validator=validators.optional(validators.ge(0.1)),
        metadata={"help": "seconds from one chunk's start to the next; none: as long as a chunk"},
    )
    overlapped: bool = field(default=True, metadata={"help": "take segments in which others speak, too"})
    names: Literal["corpus", "recording"] = field(
        default="corpus",
        metadata={"help": "where a speaker's name means one person: in the whole corpus, or in each recording another one"},
    )


class Rttm(Dataset):
    """Chunks of annotated recordings, with their turns, or segments of one person's speech.

    Of chunks a split holds whole recordings back. Segments have the label speaker, and overlap: "yes" where others speak, too.

    A recording and its RTTM and UEM belong together where their names are equal, or where the recording's continues after a dot
    (EN2001a.rttm, EN2001a.Mix-Headset.wav); of several recordings of a name, the one beside them. Recordings without an RTTM are
    passed over. A UEM restricts where chunks lie; turns that reach past the file's end are cut off there.
    """

    config_class: ClassVar[type] = RttmConfig
    config: RttmConfig

    def entries(self) -> list[Entry]:
        """Every chunk or segment, by recording; its labels begin with the session. Raises `DataError` and `FormatError`."""
        cut = self._segments if self.config.unit == "segment" else self._chunks
        return split_entries((entry for each in self._sessions.values() for entry in cut(each)), self.config)

    def turns(self, entry: Entry) -> tuple[Turn, ...]:
        """Who speaks when in one chunk, in seconds from its start."""
        return turns_of(self._sessions[entry.labels["session"]].turns, entry)

    def _chunks(self, recorded: Session) -> Iterator[Entry]:
        return chunks(recorded, self.config.seconds, self._step)

    def _segments(self, recorded: Session) -> Iterator[Entry]:
        for entry in segments(recorded, (self.config.shortest, self.config.seconds), self._step, PAUSE):
            if self.config.overlapped or entry.labels["overlap"] == "no":
                name = entry.labels["speaker"]
                person = name if self.config.names == "corpus" else f"{recorded.name}/{name}"
                yield attrs.evolve(entry, labels=entry.labels | {"speaker": person})

    @property
    def _step(self) -> float:
        return self.config.step or self.config.seconds

    @cached_property
    def _sessions(self) -> dict[str, Session]:
        """By name, in order."""
        root = self.config.root
        rttms = self.config.rttms or root
        recordings = _recordings(root)
        turns = _read(rttms, "*.rttm", read_rttm, recordings)
        stretches = _read(self.config.uems or rttms, "*.uem", read_uem, recordings)
        if not turns:
            raise DataError(f"{rttms}: holds no RTTM files: expected NAME.rttm beside or for each recording NAME.wav")
        found = sorted((path.relative_to(root).with_suffix("").as_posix(), path) for path in turns)
        return {name: session(name, path, turns[path], stretches.get(path, ())) for name, path in found}


def _recordings(root: Path) -> dict[str, list[Path]]:
    """The recordings that a name may mean: their stems, and what stands before each dot in them."""
    recordings: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(existing_folder(root, "root must hold the recordings").rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            parts = path.stem.split(".")
            for count in range(1, len(parts) + 1):
                recordings[".".join(parts[:count])].append(path)
    return recordings


def _read(
    folder: Path, pattern: str, read: Callable[[Path], dict[str, list[T]]], recordings: dict[str, list[Path]]
) -> dict[Path, list[T]]:
    """What the files of a folder say of each recording. One that speaks of a single recording may go by its file's name."""
    found: dict[Path, list[T]] = {}
    for file in sorted(existing_folder(folder, f"it must hold {pattern} files").rglob(pattern)):
        contents = read(file) or {file.stem: []}
        for uri, content in contents.items():
            names = [uri] if len(contents) > 1 else [file.stem, uri]
            found[_recording(names, file, recordings)] = content
    return found


def _recording(names: list[str], file: Path, recordings: dict[str, list[Path]]) -> Path:
    for name in names:
        paths = recordings.get(name, [])
        exact = [path for path in paths if path.stem == name] or paths
        exact = [path for path in exact if path.parent == file.parent] or exact
        if len(exact) == 1:
            return exact[0]
        if exact:
            raise DataError(f"{file}: {exact[0]} and {exact[1]} could both be the recording '{name}': keep one under root")
    raise DataError(f"{file}: there is no recording '{names[-1]}' under root{nearest(names[-1], recordings)}")
