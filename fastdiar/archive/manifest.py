"""What became of an archive's recordings: a line of JSON for each as soon as it is done or has failed."""

from __future__ import annotations

import csv
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from fastdiar.archive.sources import Source
from fastdiar.archive.work import Diarized
from fastdiar.core.errors import DataError

NAME, FAILED = "manifest.jsonl", "failed.tsv"
FORMAT = 1


class Manifest:
    """`manifest.jsonl` in a folder of turns, open to be added to; for one run at a time.

    Its first line says with what model and settings the folder was made, which cannot be mixed. Beside it `failed.tsv` is a
    table of this run's failures, if there are any.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Open it, or begin it; raises `DataError` where it is of other settings, or another run adds to it."""
        self.path = folder / NAME
        with ExitStack() as stack:
            self._file = stack.enter_context(self.path.open("a+b", buffering=0))
            self._lock()
            self._begin(settings)
            self._stack = stack.pop_all()

    def done(self) -> Iterator[tuple[str, str, int]]:
        """Of each recording that was diarized, oldest first: its name, its stamp and how many bytes of turns were written.

        Lines that were cut off are not told of.
        """
        with self.path.open("rb") as file:
            for line in file:
                with suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    if "turns" in entry:
                        yield str(entry["name"]), str(entry["stamp"]), int(entry["bytes"])

    def add(self, source: Source, turns: str, found: Diarized) -> None:
        """Note that the file `turns` (relative) holds what was found in `source`, whole."""
        rest = {"turns": turns, "bytes": len(found.text), "seconds": found.seconds, "speakers": found.speakers}
        self._write(source, {**rest, **({"warnings": found.warnings} if found.warnings else {})})

    def add_failed(self, source: Source, reason: str) -> None:
        """Note why there are no turns of `source`."""
        self._write(source, {"failed": reason})
        self._failed.writerow((source.path, reason))

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()
        if kind is None and "_failed" not in vars(self):
            (self.path.parent / FAILED).unlink(missing_ok=True)

    @cached_property
    def _failed(self) -> Any:
        """The table of failures, begun with the first; the last run's may be what this one reads, and must not change then."""
        path = self.path.parent / FAILED
        path.unlink(missing_ok=True)
        file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="", buffering=1)
        table = csv.writer(self._stack.enter_context(file), delimiter="\t", lineterminator="\n")
        table.writerow(("path", "reason"))
        return table

    def _write(self, source: Source, rest: Mapping[str, Any]) -> None:
        entry = {"recording": source.path, "name": source.name, "stamp": source.stamp, **rest}
        self._file.write(json.dumps(entry).encode() + b"\n")

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                f"{self.path.parent}: another run is writing to it: wait for its end, or choose another folder"
            ) from None

    def _begin(self, settings: Mapping[str, Any]) -> None:
        """Write the first line, or go on after lines of the same settings."""
        self._file.seek(0)
        head = self._file.readline()
        entries = self._file.read(1)
        other = [name for name, value in settings.items() if self._settings(head).get(name) != value] if head else []
        if entries and other:
            raise DataError(
                f"{self.path.parent}: its turns were made with other settings ({', '.join(other)}): choose another folder, "
                f"or delete {NAME} to make them all anew"
            )
        if not entries:
            self._file.truncate(0)
            self._file.write(json.dumps({"format": FORMAT, "settings": settings}).encode() + b"\n")
            return
        self._file.seek(-1, os.SEEK_END)
        if self._file.read(1) != b"\n":
            self._file.write(b"\n")  # a line that was cut off ends here

    def _settings(self, head: bytes) -> dict[str, Any]:
        try:
            content = json.loads(head)
            if content["format"] == FORMAT:
                return dict(content["settings"])
        except (ValueError, KeyError, TypeError):
            pass
        raise DataError(f"{self.path}: is not the manifest of an archive: choose another folder")
