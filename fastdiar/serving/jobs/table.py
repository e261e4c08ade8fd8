"""The table of jobs: a job that was promised is still there after any crash.

A job is `queued`, then `running`, then `done` or `failed`; one that is cancelled is forgotten. Who runs jobs has a lease on them:
where that process dies, its job is queued again, and should it live after all, what it tells of the job is not taken.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import attrs

from fastdiar.core.errors import FastdiarError

MOST_ATTEMPTS = 5
"""A job that took so many processes down takes no more."""
STRAY_SECONDS = 3600
"""A recording without a job is deleted when it is so old: by then it is none that is being taken in."""

State = Literal["queued", "running", "done", "failed"]


@attrs.frozen
class Job:
    """A recording to be diarized as `wished`; `progress` is 0…1, times are seconds since 1970."""

    id: str
    state: State
    wished: dict[str, Any]
    created: float
    attempts: int = 0
    progress: float = 0.0
    finished: float | None = None
    result: str | None = None
    error: str | None = None


class JobTable(ABC):
    """The jobs of one model, and a folder with their recordings; any number of processes may use them at once.

    Where the rows are kept, each abstract method is one transaction.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder; raises `FastdiarError` where that cannot be."""
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise FastdiarError(f"{folder}: no jobs can be kept there: {error}") from None

    def add(self, recording: BinaryIO, wished: Mapping[str, Any], key: str | None = None) -> Job:
        """Take in a job: it is on the disk when this returns. Of several with one `key`, the first is it."""
        while key is None or (job := self._by_key(key)) is None:
            job = Job(secrets.token_urlsafe(16), "queued", dict(wished), time.time())
            _keep(recording, self.recording(job.id))
            if self._add(job, key):
                break
            self.recording(job.id).unlink()  # somebody was faster with the same key
        return job

    def forget(self, name: str) -> bool:
        """Cancel a job and delete all there is of it; returns whether there was one."""
        gone = self._forget(name)
        if gone:
            self.recording(name).unlink(missing_ok=True)
        return gone

    def recording(self, name: str) -> Path:
        """Where a job's recording lies until the job is finished."""
        return self.folder / f"{name}.recording"

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around what runs jobs, one at a time. What a process that died left running is queued again."""
        with self._leased():
            self._sweep()
            yield

    def finish(self, job: Job, result: str | None = None, error: str | None = None) -> None:
        """Note what came of a job, and delete its recording; nothing is done where it is no longer wanted of this process."""
        if self._finish(job, result, error):
            self.recording(job.id).unlink(missing_ok=True)

    @abstractmethod
    def get(self, name: str) -> Job | None:
        """A job by its id, where there is one."""

    @abstractmethod
    def counts(self) -> Mapping[str, int]:
        """How many jobs are in each state."""

    @abstractmethod
    def take(self) -> Job | None:
        """The oldest job that is queued, now running, and one attempt more; None where there is none."""

    @abstractmethod
    def put_back(self, job: Job) -> None:
        """Queue a running job again, as if it had not been tried."""

    @abstractmethod
    def told(self, job: Job, progress: float) -> bool:
        """Note how far a running job is; returns whether it is still wanted of this process."""

    @abstractmethod
    def forget_finished(self, seconds: float) -> None:
        """Forget what was finished so long ago."""

    @abstractmethod
    def _add(self, job: Job, key: str | None) -> bool:
        """Keep a job; returns False, and does nothing, where there is one of this `key`."""

    @abstractmethod
    def _by_key(self, key: str) -> Job | None: ...

    @abstractmethod
    def _forget(self, name: str) -> bool: ...

    @abstractmethod
    def _finish(self, job: Job, result: str | None, error: str | None) -> bool: ...

    @abstractmethod
    def _unfinished(self) -> set[str]:
        """The ids of the jobs that are queued or running."""

    @abstractmethod
    def _leased(self) -> AbstractContextManager[None]:
        """While this process may take jobs."""

    def _sweep(self) -> None:
        """Delete recordings that no job is waiting for, which a process that was killed leaves behind."""
        old = time.time() - STRAY_SECONDS
        strays = [path for path in self.folder.glob("*.recording*") if path.stat().st_mtime < old]
        waiting = self._unfinished()
        for path in strays:
            if path.name.partition(".")[0] not in waiting:
                path.unlink(missing_ok=True)


def _keep(recording: BinaryIO, path: Path) -> None:
    """Copy a recording to `path`, onto the disk, whole or not at all."""
    recording.seek(0)
    beside = path.with_suffix(".recording-begun")
    with beside.open("wb") as file:
        shutil.copyfileobj(recording, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
