"""Which table keeps the jobs: SQLite, or by one setting Redis."""

from __future__ import annotations

from fastdiar.core.bundle import Bundle
from fastdiar.core.errors import needs
from fastdiar.serving.jobs.sqlite import SqliteJobs
from fastdiar.serving.jobs.table import JobTable
from fastdiar.serving.settings import ServeSettings


def job_table(settings: ServeSettings, bundle: Bundle) -> JobTable:
    """The table of a model's jobs: another model would answer otherwise. Raises `FastdiarError`."""
    folder = settings.jobs / bundle.identity.checksum[:16]
    if settings.redis is None:
        return SqliteJobs(folder)
    with needs("redis", "fastdiar serve --redis"):
        from fastdiar.serving.jobs.redis import RedisJobs
    return RedisJobs(folder, settings.redis)
