"""Every recording below a folder as 16 kHz mono FLAC below another; what was done before is not done again."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, TextIO

import attrs
import numpy as np
import soundfile

from fastdiar.core.audio import SUFFIXES, stream
from fastdiar.core.errors import AudioError, DataError, MissingExtra
from fastdiar.core.files import files_below, replacing
from fastdiar.core.processes import in_processes
from fastdiar.core.types import RATE, Recording

JOURNAL = ".converted.tsv"
"""In the target folder: a line for each recording as soon as its FLAC is whole."""
METADATA = frozenset(
    {"", ".csv", ".ctm", ".json", ".jsonl", ".lab", ".list", ".lst", ".md", ".rttm", ".scp", ".stm", ".textgrid", ".tsv", ".txt"}
    | {".uem", ".xml"}
)
"""What the names of files end in that are copied as they are."""
LARGEST_METADATA = 64 << 20
"""Bytes; what is larger is no metadata, whatever it is called: a piece of an archive."""

UNKNOWN_SIZE = 0x7FFF0000
"""From here on, what a WAV file says of its size only means that whoever wrote it did not know."""


@attrs.frozen
class Converted:
    """A recording at `path` (relative to the target folder): its length, and the SHA-256 and size of its FLAC.

    `source` and `stamp` tell what it was made of: a path relative to the source folder, and that file's size and time.
    """

    source: str
    stamp: str
    seconds: float
    sha256: str
    bytes: int

    @property
    def path(self) -> str:
        """Relative to the target folder."""
        return flac_name(self.source)


@attrs.frozen
class Skipped:
    """A recording that was not converted, and why; `bad` where it cannot be read."""

    path: str
    reason: str
    bad: bool = True


@attrs.frozen
class Conversion:
    """What became of a folder: each recording, ordered by path; metadata files `copied`; files of other kinds `left`."""

    converted: list[Converted]
    skipped: list[Skipped]
    copied: int
    left: int

    @property
    def bad(self) -> list[Skipped]:
        """The recordings that cannot be read."""
        return [each for each in self.skipped if each.bad]

    @property
    def bad_share(self) -> float:
        """Of all recordings, 0 to 1."""
        return len(self.bad) / max(1, len(self.bad) + len(self.converted))


def convert(source: Path, target: Path, workers: int, progress: Callable[[int, int], None]) -> Conversion:
    """Convert the recordings below `source` in `workers` processes, and copy metadata files, keeping the layout.

    `progress` hears how many recordings are done, of how many. Raises `DataError` where there is nothing to convert or the
    target cannot be written to. Interrupted, the next call goes on.
    """
    _check_folders(source, target)
    files = _files(source)
    recordings, skipped = _recordings(path for path in files if _suffix(path) in SUFFIXES)
    metadata = [path for path in files if _is_metadata(path, source)]
    if not recordings:
        raise DataError(f"{source}: holds no recordings: expected files such as {', '.join(sorted(SUFFIXES)[:6])} below it")
    left = sum(_suffix(path) not in SUFFIXES for path in files) - len(metadata)
    try:
        _copy(metadata, source, target)
        converted = _convert_all(recordings, source, target, workers, skipped, progress)
    except OSError as error:
        raise DataError(f"{error.filename or target}: {error.strerror}: mend that, and run this again to go on") from None
    return Conversion(converted, sorted(skipped, key=lambda each: each.path), len(metadata), left)


def flac_name(path: str) -> str:
    """What a recording is called after conversion."""
    return f"{_split(path)[0]}.flac"


def write_flac(blocks: Iterable[np.ndarray], file: BinaryIO) -> int:
    """Write float32 `[samples]` at 16 kHz, block by block, as FLAC of 16 bits into an unbuffered file; returns the samples.

    Raises `OSError` where they cannot be stored.
    """
    sink, count = _Sink(file), 0
    with soundfile.SoundFile(sink, "w", RATE, 1, "PCM_16", format="FLAC") as sound:
        for block in blocks:
            sound.write(block)
            count += len(block)
            sink.check()
    sink.check()
    return count


def _check_folders(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise DataError(f"{source}: no such folder")
    there, here = target.resolve(), source.resolve()
    if there.is_relative_to(here) or here.is_relative_to(there):
        raise DataError(f"{target}: lies in {source} or around it: choose a folder beside it")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{target}: cannot be a folder to write to: {error.strerror}") from None


def _files(source: Path) -> list[str]:
    """Every file below a folder as a relative path, ordered by what it is called after conversion."""
    found = (os.path.relpath(path, source) for path in files_below(source))
    return sorted(found, key=lambda path: (flac_name(path), path))


def _recordings(paths: Iterable[str]) -> tuple[list[str], list[Skipped]]:
    """One path for each name after conversion, and what cannot be or need not be converted."""
    chosen, skipped = [], []
    for name, same in groupby(paths, flac_name):
        first, *others = same
        if any(character in name for character in "\t\r\n") or not _is_utf8(name):
            skipped += [Skipped(repr(path), "its name is not plain text in UTF-8") for path in (first, *others)]
            continue
        chosen.append(first)
        skipped += [Skipped(path, f"{first} is converted, to the same name", bad=False) for path in others]
    return chosen, skipped


def _suffix(path: str) -> str:
    return _split(path)[1].lower()


def _is_metadata(path: str, source: Path) -> bool:
    file = source / path
    return _suffix(path) in METADATA and file.is_file() and file.stat().st_size <= LARGEST_METADATA


def _split(path: str) -> tuple[str, str]:
    return os.path.splitext(path)  # noqa: PTH122 - a Path would take most of the time


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _copy(paths: Iterable[str], source: Path, target: Path) -> None:
    for path in paths:
        if _stamp(source / path) != _stamp(target / path):
            with replacing(target / path) as beside:
                shutil.copy2(source / path, beside)


def _convert_all(
    recordings: list[str],
    source: Path,
    target: Path,
    workers: int,
    skipped: list[Skipped],
    progress: Callable[[int, int], None],
) -> list[Converted]:
    """What is converted in the end; what cannot be goes to `skipped`."""
    journal = target / JOURNAL
    known = _read_journal(journal)
    done = {path: known[path] for path in recordings if path in known and _is_whole(known[path], source, target)}
    todo = [path for path in recordings if path not in done]
    bad = 0
    progress(len(done), len(recordings))
    with (
        journal.open("a", encoding="utf-8", buffering=1) as file,
        closing(in_processes(partial(_convert, source=source, target=target), todo, workers)) as results,
    ):
        file.write("\n")  # where the last line was cut off, it ends here
        for path, found in results:
            if isinstance(found, Converted):
                _note(found, file)
                done[path] = found
            else:
                skipped.append(found or Skipped(path, "broken: it brought the program that decodes it down"))
                bad += 1
            progress(len(done) + bad, len(recordings))
    return [done[path] for path in recordings if path in done]


def _read_journal(path: Path) -> dict[str, Converted]:
    """By source. Lines may be cut off: what is not noted is done again."""
    known = {}
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                fields = line.split("\t")
                if len(fields) == 5 and line.endswith("\n"):
                    with suppress(ValueError):
                        known[fields[0]] = Converted(fields[0], fields[1], float(fields[2]), fields[3], int(fields[4]))
    return known


def _note(found: Converted, file: TextIO) -> None:
    file.write(f"{found.source}\t{found.stamp}\t{found.seconds}\t{found.sha256}\t{found.bytes}\n")


def _is_whole(known: Converted, source: Path, target: Path) -> bool:
    """Whether the FLAC is there, and is still that of its source."""
    try:
        return (target / known.path).stat().st_size == known.bytes and _stamp(source / known.source) == known.stamp
    except OSError:
        return False


def _stamp(path: Path) -> str:
    """Changes when a file does; empty where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"


def _convert(path: str, source: Path, target: Path) -> Converted | Skipped:
    """One recording, in one of the processes. `OSError` is about the target: no other recording could be written either."""
    stamp = _stamp(source / path)
    try:
        with replacing(target / flac_name(path)) as beside, beside.open("r+b", buffering=0) as file:
            samples = write_flac(_heard(source / path), file)
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except AudioError as error:
        return Skipped(path, str(error).removeprefix(f"{source / path}: "))
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return Skipped(path, "its name is too long")
    return Converted(path, stamp, samples / RATE, digest, size)


def _heard(path: Path) -> Iterator[np.ndarray]:
    """Its samples in blocks. Whatever a decoder makes of a stranger's file, only that file is lost: it is an `AudioError`."""
    try:
        yield from stream(Recording(path=path)).blocks
        _check_whole(path)
    except (AudioError, MissingExtra):
        raise
    except Exception as error:  # noqa: BLE001
        raise AudioError(f"broken: {type(error).__name__}: {error}") from None


def _check_whole(path: Path) -> None:
    """libsndfile reads what is left of a WAV or AIFF file, and only its log tells that there was more."""
    if path.suffix.lower() in {".wav", ".aif", ".aiff"}:
        with soundfile.SoundFile(path) as sound:
            sizes = re.search(r"^ *(?:data|SSND) *: ([0-9]+) \(should be ([0-9]+)\)", sound.extra_info, re.MULTILINE)
        if sizes and int(sizes[2]) < int(sizes[1]) < UNKNOWN_SIZE:
            raise AudioError(f"broken: only {int(sizes[2]):,} of {int(sizes[1]):,} bytes of sound are there")


class _Sink:
    """A file for libsndfile, which does not tell why writing failed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: OSError | None = None
        self.seek, self.tell, self.read = file.seek, file.tell, file.read

    def write(self, data: bytes) -> int:
        """Pretends that all is well; see `check`."""
        rest = memoryview(data)
        try:
            while rest and self._error is None:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._error = error
        return len(data)

    def check(self) -> None:
        """Raises what went wrong so far."""
        if self._error is not None:
            raise self._error
