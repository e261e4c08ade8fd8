"""Jobs in a file: SQLite, for the servers of one machine.

One process at a time runs jobs, and holds a lock to do so: what is `running` when it comes is left over from one that died.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import get_args

import attrs

from fastdiar.core.errors import FastdiarError
from fastdiar.serving.jobs.table import Job, JobTable, State

WAIT_SECONDS = 30
"""For other processes to be done with the table."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, key TEXT UNIQUE, state TEXT NOT NULL, wished TEXT NOT NULL, created REAL NOT NULL, finished REAL,
    attempts INTEGER NOT NULL DEFAULT 0, progress REAL NOT NULL DEFAULT 0, result TEXT, error TEXT
)
"""


class SqliteJobs(JobTable):
    """A table in `jobs.sqlite` of a folder."""

    def __init__(self, folder: Path) -> None:
        """Open the table, or begin one; raises `FastdiarError` where the folder cannot be used."""
        super().__init__(folder)
        try:
            with self._connected() as table:
                table.execute("PRAGMA journal_mode = WAL")
                table.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise FastdiarError(f"{folder}: no jobs can be kept there: {error}") from None

    def _add(self, job: Job, key: str | None) -> bool:
        row = (job.id, key, job.state, json.dumps(job.wished), job.created)
        with self._connected() as table:
            added = table.execute("INSERT OR IGNORE INTO jobs (id, key, state, wished, created) VALUES (?, ?, ?, ?, ?)", row)
            return added.rowcount > 0

    def get(self, name: str) -> Job | None:
        """See `JobTable`."""
        return self._one("WHERE id = ?", name)

    def _by_key(self, key: str) -> Job | None:
        return self._one("WHERE key = ?", key)

    def _forget(self, name: str) -> bool:
        with self._connected() as table:
            return table.execute("DELETE FROM jobs WHERE id = ?", (name,)).rowcount > 0

    def forget_finished(self, seconds: float) -> None:
        """See `JobTable`."""
        with self._connected() as table:
            table.execute("DELETE FROM jobs WHERE finished < ?", (time.time() - seconds,))

    def counts(self) -> dict[str, int]:
        """See `JobTable`."""
        with self._connected() as table:
            found = dict(table.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in get_args(State)}

    def _unfinished(self) -> set[str]:
        with self._connected() as table:
            return {row[0] for row in table.execute("SELECT id FROM jobs WHERE finished IS NULL")}

    @contextmanager
    def _leased(self) -> Iterator[None]:
        # The lock is the lease: the system takes it from whoever dies.
        with (self.folder / "runner.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._connected() as table:
                table.execute("UPDATE jobs SET state = 'queued', progress = 0 WHERE state = 'running'")
            yield

    def take(self) -> Job | None:
        """See `JobTable`."""
        with self._connected() as table:
            row = table.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1 WHERE id = "
                "(SELECT id FROM jobs WHERE state = 'queued' ORDER BY created, id LIMIT 1) RETURNING id"
            ).fetchone()
        return None if row is None else self.get(row[0])

    def put_back(self, job: Job) -> None:
        """See `JobTable`."""
        with self._connected() as table:
            # Who is told to stop may just have finished: what is done stays done.
            table.execute(
                "UPDATE jobs SET state = 'queued', progress = 0, attempts = attempts - 1 WHERE id = ? AND state = 'running'",
                (job.id,),
            )

    def told(self, job: Job, progress: float) -> bool:
        """See `JobTable`."""
        with self._connected() as table:
            return table.execute("UPDATE jobs SET progress = ? WHERE id = ?", (progress, job.id)).rowcount > 0

    def _finish(self, job: Job, result: str | None, error: str | None) -> bool:
        row = ("done" if error is None else "failed", result, error, time.time(), job.id)
        with self._connected() as table:
            done = table.execute("UPDATE jobs SET state = ?, progress = 1, result = ?, error = ?, finished = ? WHERE id = ?", row)
            return done.rowcount > 0

    def _one(self, where: str, value: str) -> Job | None:
        columns = [each.name for each in attrs.fields(Job)]
        with self._connected() as table:
            row = table.execute(f"SELECT {', '.join(columns)} FROM jobs {where}", (value,)).fetchone()
        if row is None:
            return None
        found = dict(zip(columns, row, strict=True))
        return Job(**{**found, "wished": json.loads(found["wished"])})

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A transaction of its own."""
        with closing(sqlite3.connect(self.folder / "jobs.sqlite", timeout=WAIT_SECONDS)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            with connection:
                yield connection
