"""The table of jobs: SQLite, so that a job that was promised is still there after any crash.

A job is `queued`, then `running`, then `done` or `failed`; one that is cancelled is forgotten. Only one process runs jobs, and it
holds a lock to do so: what is `running` when it comes is left over from one that died, and is queued again.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import attrs

from fastdiar.core.errors import FastdiarError

MOST_ATTEMPTS = 5
"""A job that took so many processes down takes no more."""
WAIT_SECONDS = 30
"""For other processes to be done with the table."""
STRAY_SECONDS = 3600
"""A recording without a job is deleted when it is so old: by then it is none that is being taken in."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, key TEXT UNIQUE, state TEXT NOT NULL, wished TEXT NOT NULL, created REAL NOT NULL, finished REAL,
    attempts INTEGER NOT NULL DEFAULT 0, progress REAL NOT NULL DEFAULT 0, result TEXT, error TEXT
)
"""


State = Literal["queued", "running", "done", "failed"]


@attrs.frozen
class Job:
    """A recording to be diarized as `wished`; `progress` is 0…1, times are seconds since 1970."""

    id: str
    state: State
    wished: dict[str, Any]
    created: float
    attempts: int
    progress: float
    finished: float | None = None
    result: str | None = None
    error: str | None = None


class JobTable:
    """The jobs of one model, in a folder with their recordings; any number of processes may use it."""

    def __init__(self, folder: Path) -> None:
        """Open the table, or begin one; raises `FastdiarError` where the folder cannot be used."""
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._connected() as table:
                table.execute("PRAGMA journal_mode = WAL")
                table.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise FastdiarError(f"{folder}: no jobs can be kept there: {error}") from None

    def add(self, recording: BinaryIO, wished: Mapping[str, Any], key: str | None = None) -> Job:
        """Take in a job: it is on the disk when this returns. Of several with one `key`, the first is it."""
        if (before := self._by_key(key)) is not None:
            return before
        name = secrets.token_urlsafe(16)
        _kept(recording, self.recording(name))
        with self._connected() as table:
            row = (name, key, "queued", json.dumps(wished), time.time())
            table.execute("INSERT OR IGNORE INTO jobs (id, key, state, wished, created) VALUES (?, ?, ?, ?, ?)", row)
        if (found := self.get(name)) is None:  # somebody was faster with the same key
            self.recording(name).unlink()
            found = self._by_key(key)
        assert found is not None
        return found

    def get(self, name: str) -> Job | None:
        """A job by its id, where there is one."""
        return self._one("WHERE id = ?", name)

    def forget(self, name: str) -> bool:
        """Cancel a job and delete all there is of it; returns whether there was one."""
        with self._connected() as table:
            gone = table.execute("DELETE FROM jobs WHERE id = ?", (name,)).rowcount > 0
        if gone:
            self.recording(name).unlink(missing_ok=True)
        return gone

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        with self._connected() as table:
            found = dict(table.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in get_args(State)}

    def recording(self, name: str) -> Path:
        """Where a job's recording lies until the job is finished."""
        return self.folder / f"{name}.recording"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait to be the only process that runs jobs. What another left running is queued again."""
        with (self.folder / "runner.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._connected() as table:
                table.execute("UPDATE jobs SET state = 'queued', progress = 0 WHERE state = 'running'")
            self._sweep()
            yield

    def take(self) -> Job | None:
        """The oldest job that is queued, now running; None where there is none."""
        with self._connected() as table:
            row = table.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1 WHERE id = "
                "(SELECT id FROM jobs WHERE state = 'queued' ORDER BY created, id LIMIT 1) RETURNING id"
            ).fetchone()
        return None if row is None else self.get(row[0])

    def put_back(self, job: Job) -> None:
        """Queue a running job again, as if it had not been tried."""
        with self._connected() as table:
            table.execute("UPDATE jobs SET state = 'queued', progress = 0, attempts = attempts - 1 WHERE id = ?", (job.id,))

    def told(self, job: Job, progress: float) -> bool:
        """Note how far a job is; returns whether it is still wanted."""
        with self._connected() as table:
            return table.execute("UPDATE jobs SET progress = ? WHERE id = ?", (progress, job.id)).rowcount > 0

    def finish(self, job: Job, result: str | None = None, error: str | None = None) -> None:
        """Note what came of a job, and delete its recording."""
        state = "done" if error is None else "failed"
        with self._connected() as table:
            row = (state, result, error, time.time(), job.id)
            table.execute("UPDATE jobs SET state = ?, progress = 1, result = ?, error = ?, finished = ? WHERE id = ?", row)
        self.recording(job.id).unlink(missing_ok=True)

    def forget_finished(self, seconds: float) -> None:
        """Forget what was finished so long ago."""
        with self._connected() as table:
            table.execute("DELETE FROM jobs WHERE finished < ?", (time.time() - seconds,))

    def _sweep(self) -> None:
        """Delete recordings that no job is waiting for, which a process that was killed leaves behind."""
        with self._connected() as table:
            waiting = {row[0] for row in table.execute("SELECT id FROM jobs WHERE finished IS NULL")}
        for path in self.folder.glob("*.recording*"):
            if path.name.partition(".")[0] not in waiting and path.stat().st_mtime < time.time() - STRAY_SECONDS:
                path.unlink(missing_ok=True)

    def _by_key(self, key: str | None) -> Job | None:
        return None if key is None else self._one("WHERE key = ?", key)

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


def _kept(recording: BinaryIO, path: Path) -> None:
    """Copy a recording to `path`, onto the disk, whole or not at all."""
    beside = path.with_suffix(".recording-begun")
    with beside.open("wb") as file:
        shutil.copyfileobj(recording, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
