"""What is left to do, in a database on disk: a million recordings need no more memory than one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from types import TracebackType

from fastdiar.archive.sources import Source


class Plan:
    """Recordings that are to be diarized, in the order they were added; a file without a name, which goes with the process."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for line in ("PRAGMA synchronous = OFF", "PRAGMA journal_mode = OFF", "BEGIN"):
            self._database.execute(line)
        self._database.execute("CREATE TABLE done (name BLOB PRIMARY KEY, stamp TEXT, bytes INTEGER) WITHOUT ROWID")
        columns = "name BLOB UNIQUE, path BLOB, stamp TEXT, bytes INTEGER, todo INTEGER"
        self._database.execute(f"CREATE TABLE source (place INTEGER PRIMARY KEY, {columns})")

    def know(self, name: str, stamp: str, turns: int) -> None:
        """That a recording was diarized before, when its file had this stamp, and so many bytes of turns were written."""
        self._database.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?)", (os.fsencode(name), stamp, turns))

    def known(self, source: Source) -> int | None:
        """How many bytes of turns there are where it was diarized before and has not changed."""
        query = "SELECT bytes FROM done WHERE name = ? AND stamp = ?"
        found = self._database.execute(query, (os.fsencode(source.name), source.stamp)).fetchone()
        return None if found is None else int(found[0])

    def add(self, source: Source, todo: bool) -> str | None:
        """Plan a recording, as one to do or one that is done; returns the path of the one that has its name already."""
        name, path = os.fsencode(source.name), os.fsencode(source.path)
        other = self._database.execute("SELECT path FROM source WHERE name = ?", (name,)).fetchone()
        if other is not None:
            return os.fsdecode(other[0])
        row = (name, path, source.stamp, source.bytes, todo)
        self._database.execute("INSERT INTO source (name, path, stamp, bytes, todo) VALUES (?, ?, ?, ?, ?)", row)
        return None

    @property
    def todo(self) -> Iterator[Source]:
        """The recordings that are to do."""
        rows = self._database.execute("SELECT name, path, stamp, bytes FROM source WHERE todo ORDER BY place")
        for name, path, stamp, size in rows:
            yield Source(os.fsdecode(path), os.fsdecode(name), stamp, size)

    @property
    def bytes(self) -> int:
        """The size of the recordings that are to do."""
        (size,) = self._database.execute("SELECT TOTAL(bytes) FROM source WHERE todo").fetchone()
        return int(size)

    def __enter__(self) -> Plan:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._database.close()
