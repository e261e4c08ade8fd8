"""The process that runs jobs, one after the other: `python -m fastdiar.serving.jobs.runner`, started and kept by the server."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from fastdiar.core.errors import FastdiarError
from fastdiar.core.types import Diarization
from fastdiar.serving.answers import content
from fastdiar.serving.jobs.table import MOST_ATTEMPTS, Job, JobTable
from fastdiar.serving.jobs.tables import job_table
from fastdiar.serving.problems import Problem
from fastdiar.serving.processes import end_with_parent
from fastdiar.serving.service import Service
from fastdiar.serving.settings import handed_down

IDLE_SECONDS = 0.25
"""Between looks at the table while there is nothing to do."""
TOLD_SECONDS = 0.5
"""Between notes of how far a job is."""
NICENESS = 5
"""Jobs have time: who waits for an answer goes first."""


def main() -> None:
    """Run jobs until the server ends."""
    end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.nice(NICENESS)
    settings = handed_down()
    service = Service(settings)
    table = job_table(settings, service.model.bundle)
    with table.working():
        while True:
            table.forget_finished(3600 * settings.keep_hours)
            job = table.take()
            if job is None:
                time.sleep(IDLE_SECONDS)
                continue
            try:
                run(service, table, job)
            except (KeyboardInterrupt, SystemExit):
                table.put_back(job)
                raise


def run(service: Service, table: JobTable, job: Job) -> None:
    """Do a job and note what came of it."""
    if job.attempts > MOST_ATTEMPTS:
        table.finish(job, error=f"took the process that worked on it down {MOST_ATTEMPTS} times")
        return
    wished = dict(job.wished)
    embeddings = wished.pop("embeddings", False)
    try:
        found = _diarized(service, table, job, wished)
        table.finish(job, result=json.dumps(content(found, embeddings), ensure_ascii=False))
    except _Unwanted:
        pass
    except Problem as problem:
        table.finish(job, error=problem.detail)
    except FastdiarError as error:
        table.finish(job, error=str(error))
    except OSError as error:
        table.finish(job, error=f"recording: cannot be read: {error.strerror}")


class _Unwanted(Exception):
    """A job that was cancelled while it ran."""


def _diarized(service: Service, table: JobTable, job: Job, wished: dict[str, Any]) -> Diarization:
    noted = 0.0

    def progress(done: float, total: float | None) -> None:
        nonlocal noted
        if time.monotonic() >= noted + TOLD_SECONDS:
            noted = time.monotonic()
            if not table.told(job, done / total if total else 0):
                raise _Unwanted

    with table.recording(job.id).open("rb") as upload:
        return service.diarizing({**wished, "progress": progress}, "jobs", 60 * service.settings.longest_job_minutes)(upload)


if __name__ == "__main__":
    main()
