"""Fetching the parts of a corpus: in pieces where the connection breaks, held against checksums, unpacked within a folder."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import time
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from http.client import PARTIAL_CONTENT, REQUESTED_RANGE_NOT_SATISFIABLE, HTTPException
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPBasicAuthHandler, HTTPPasswordMgrWithPriorAuth, OpenerDirector, Request, build_opener

import attrs

from fastdiar.core.errors import DataError, nearest
from fastdiar.preparation.sources import Corpus, File, Part

FOLDER = ".download"
"""In the target folder: what is under way, and a note of each part that is done."""
TRIES = 5
"""Attempts in a row that bring nothing new."""
PAUSE = 2.0
"""Seconds to wait after the first of them; twice as long after each other."""
TIMEOUT = 60.0
PIECE = 1 << 20
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that another attempt may change."""

Told = Callable[[str], None]
"""Hears what went wrong, before it is tried again."""
Progress = Callable[[str, int, int], None]
"""Hears which file is being fetched, how many bytes of it are there, of how many (0 where that is not known)."""


@attrs.frozen
class Server:
    """Where files come from: an address that their names are put behind, or into, in place of `{file}`; who asks for them."""

    address: str
    user: str = ""
    password: str = attrs.field(default="", repr=False)

    def url(self, file: File) -> str:
        """The file's address."""
        if "://" in file.name:
            return file.name
        name = quote(file.name)
        return self.address.replace("{file}", name) if "{file}" in self.address else f"{self.address.rstrip('/')}/{name}"

    def opener(self) -> OpenerDirector:
        """Sends the password to this address only, never on to where it is redirected."""
        passwords = HTTPPasswordMgrWithPriorAuth()
        if self.user:
            passwords.add_password(None, self.address.partition("{file}")[0], self.user, self.password, is_authenticated=True)
        return build_opener(HTTPBasicAuthHandler(passwords))


def chosen(corpus: Corpus, names: Iterable[str]) -> dict[str, Part]:
    """The parts of these names, or of groups of them; all where none is named. Raises `DataError`."""
    wanted: list[str] = []
    for name in names:
        if name not in corpus.parts and name not in corpus.groups:
            known = [*corpus.groups, *corpus.parts]
            shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
            raise DataError(f"--part {name}: there is no such part{nearest(name, known)}: expected one of {shown}")
        wanted += corpus.groups.get(name, (name,))
    return {name: corpus.parts[name] for name in wanted or corpus.parts}


def download(parts: dict[str, Part], target: Path, server: Server, progress: Progress, told: Told = lambda words: None) -> None:
    """Fetch parts to below `target`, going on where the last attempt stopped; what is there is not fetched again.

    Where nothing came, no folder stays behind. Raises `DataError` where a file cannot be had, is not what it should be, or cannot
    be stored.
    """
    opener = server.opener()
    made = [folder for folder in (target / FOLDER, target) if not folder.exists()]
    try:
        (target / FOLDER).mkdir(parents=True, exist_ok=True)
        for name, part in parts.items():
            done = target / FOLDER / f"{name}.done"
            if not done.exists():
                _check_room(part, target)
                files = [_fetch(file, server, opener, target / FOLDER, progress, told) for file in part.files]
                _put(files, part, name, target)
                done.touch()
                for path in files:
                    path.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{target}: cannot be written to: {error.strerror}: mend that, and run this again to go on") from None
    finally:
        for folder in made:
            with suppress(OSError):  # it holds something, or was never made
                folder.rmdir()


def _check_room(part: Part, target: Path) -> None:
    """An archive needs about as much again when it is unpacked."""
    names = [file.basename for file in part.files]
    there = sum(_size(target / FOLDER / name) + _size(target / FOLDER / f"{name}.part") for name in names)
    needed = sum(file.size for file in part.files) * (2 if part.archive else 1) - there
    free = shutil.disk_usage(target).free
    if needed > free:
        raise DataError(f"{target}: too small: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free")


def _fetch(file: File, server: Server, opener: OpenerDirector, folder: Path, progress: Progress, told: Told) -> Path:
    """A file, whole and as it should be."""
    path, part = folder / file.basename, folder / f"{file.basename}.part"
    if path.exists():
        return path
    url, failures = server.url(file), 0
    while True:
        before = _size(part)
        try:
            _receive(opener, url, part, file, progress)
            break
        except _Broken as error:
            failures = 1 if _size(part) > before else failures + 1
            if failures == TRIES:
                raise DataError(f"{url}: {error}: run this again to go on, or try another address with --from") from None
            pause = PAUSE * 2 ** (failures - 1)
            told(f"{url}: {error}: attempt {failures + 1} of {TRIES} in {pause:g} s")
            time.sleep(pause)
    _check_sum(part, file, url)
    return part.rename(path)


class _Broken(Exception):
    """What another attempt may mend."""


def _receive(opener: OpenerDirector, url: str, part: Path, file: File, progress: Progress) -> None:
    """Add to `part` what it lacks; raises `_Broken` where not all of that came."""
    have = _size(part)
    answer = _ask(opener, url, part) if have == 0 or have != file.size else None
    if answer is None:
        return
    with closing(answer):
        if answer.status != PARTIAL_CONTENT:
            have = 0
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise _Broken("the server sent another piece than was asked for")
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else file.size
        if file.size and total != file.size:
            raise DataError(f"{url}: has {total:,} bytes instead of {file.size:,}: try another address with --from")
        with part.open("r+b" if have else "wb") as stored:
            stored.seek(have)
            while piece := _read(answer):
                have += stored.write(piece)
                progress(file.basename, have, total)
    if have < total:
        raise _Broken(f"the connection ended after {have:,} of {total:,} bytes")


def _ask(opener: OpenerDirector, url: str, part: Path) -> Any:
    """The server's answer; None where it has nothing to add to `part`."""
    have = _size(part)
    try:
        return opener.open(Request(url, headers={"Range": f"bytes={have}-"} if have else {}), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == REQUESTED_RANGE_NOT_SATISFIABLE:
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return None
            part.unlink()
        elif error.code in (401, 403):
            raise DataError(f"{url}: access is refused: give --user NAME, and the password in FASTDIAR_PASSWORD") from None
        elif error.code not in TRANSIENT:
            raise DataError(f"{url}: {error.code} {error.reason}: try another address with --from") from None
        raise _Broken(f"{error.code} {error.reason}") from None
    except (OSError, HTTPException) as error:
        raise _Broken(_words(error)) from None


def _read(answer: Any) -> bytes:
    try:
        return bytes(answer.read(PIECE))
    except (OSError, HTTPException) as error:
        raise _Broken(_words(error)) from None


def _words(error: Exception) -> str:
    return str(getattr(error, "reason", error)) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check_sum(path: Path, file: File, url: str) -> None:
    """Raises `DataError`, and throws away what came, where it is not what its owner published."""
    kind, _, expected = file.checksum.partition(":")
    if expected:
        with path.open("rb") as opened:
            found = hashlib.file_digest(opened, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
        if found != expected:
            path.unlink()
            raise DataError(
                f"{url}: its {kind} is {found}, not {expected}: thrown away; try again, or another address with --from"
            )


def _put(files: Sequence[Path], part: Part, name: str, target: Path) -> None:
    """Bring what was fetched to its place; an archive is unpacked beside and moved, so that no file is ever half there."""
    place = target / part.into
    if not part.archive:
        place.mkdir(parents=True, exist_ok=True)
        for file in files:
            file.replace(place / file.name)
        return
    unpacked = target / FOLDER / f"{name}.unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    try:
        _unpack(files, unpacked)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{files[0]}: cannot be unpacked: {error}: remove it and run this again") from None
    _move(unpacked, place)
    shutil.rmtree(unpacked)


def _unpack(files: Sequence[Path], folder: Path) -> None:
    """A tar file, or a zip file in several pieces. Neither writes outside of `folder`."""
    if tarfile.is_tarfile(files[0]):
        if not hasattr(tarfile, "data_filter"):
            raise DataError("unpacking a tar file safely needs Python 3.11.4 or newer")
        with tarfile.open(files[0]) as archive:
            archive.extractall(folder, filter="data")
    else:
        with io.BufferedReader(_Joined(files)) as joined, zipfile.ZipFile(joined) as zipped:
            zipped.extractall(folder)


def _move(folder: Path, place: Path) -> None:
    """Move the files below `folder` to below `place`, beside what is there."""
    for inside, _, names in os.walk(folder):
        there = place / Path(inside).relative_to(folder)
        there.mkdir(parents=True, exist_ok=True)
        for name in names:
            (Path(inside) / name).replace(there / name)


class _Joined(io.RawIOBase):
    """Files one behind the other, read as one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [path.open("rb") for path in paths]
        self._ends = list(accumulate(path.stat().st_size for path in paths))
        self._place = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of any file."""
        self._place = (0, self._place, self._ends[-1])[whence] + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Never across two files: whoever wants more asks again."""
        number = bisect_right(self._ends, self._place)
        if number == len(self._files):
            return 0
        file, left = self._files[number], self._ends[number] - self._place
        file.seek(-left, io.SEEK_END)
        count = file.readinto(memoryview(buffer)[:left])
        self._place += count
        return count

    def close(self) -> None:
        """All of them."""
        for file in self._files:
            file.close()
        super().close()
