"""`fastdiar diarize` of folders and tables: the engine chosen, progress shown, failures named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import typer

from fastdiar.archive import run
from fastdiar.archive.cluster import in_cluster
from fastdiar.archive.manifest import FAILED
from fastdiar.archive.work import work_of
from fastdiar.cli.progress import Progress
from fastdiar.core.errors import FastdiarError, said
from fastdiar.core.formats import Format, named_format
from fastdiar.core.processes import cores, in_processes
from fastdiar.diarization.model import Model

NAMED = 20
"""Recordings that failed which are named on the terminal; all of them stand in failed.tsv."""


def diarize_archive(
    audio: Sequence[str],
    output: str | None,
    style: Format,
    model: Model,
    wishes: Mapping[str, Any],
    engine: str | None,
    workers: int | None,
    ray_address: str | None,
) -> int:
    """Diarize an archive below the folder `output`; returns the exit code."""
    if output and not Path(output).is_dir() and (Path(output).is_file() or named_format(output)):
        raise FastdiarError(f"{output}: an archive of recordings needs a folder to be written to: -o FOLDER")
    if output is None or output == "-":
        raise FastdiarError("an archive of recordings needs a folder to be written to: -o FOLDER")
    if "-" in audio:
        raise FastdiarError("standard input is no archive: diarize it alone")
    if ray_address and engine != "ray":
        raise FastdiarError("--ray-address is of --engine ray: add that")
    heard_by: run.Engine
    if engine == "ray":
        heard_by = partial(in_cluster, address=ray_address or "auto", cores=model.threads, at_once=workers)
    else:
        at_once = workers or max(1, cores() // model.threads)
        heard_by = partial(in_processes, workers=at_once, finish=False)
    work = work_of(model, style, wishes)
    try:
        with Progress(lambda seconds: f"{seconds / 3600:,.1f} h", "{:,.0f} h an hour".format) as progress:
            summary = run.diarize_archive(audio, Path(output), work, heard_by, partial(progress, "sound"), _teller())
    except KeyboardInterrupt:
        typer.echo(said("stopped", "the same command goes on from here"), err=True)
        raise
    return _report(summary, output)


def _teller() -> Callable[[str, str], None]:
    """Names the first failures as they come."""
    left = NAMED

    def tell(path: str, reason: str) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            typer.echo(said("error", f"{path}: {reason}"), err=True)

    return tell


def _report(summary: run.Summary, output: str) -> int:
    before = f"; {summary.before:,} recordings were done before" if summary.before else ""
    pace = summary.seconds / max(summary.elapsed, 1e-3)
    sound = f"{_recordings(summary.done)}, {summary.seconds / 3600:,.2f} hours of sound, {pace:,.0f} hours an hour"
    typer.echo(f"{output}: {sound if summary.done or summary.failed else 'nothing to do'}{before}")
    if summary.failed:
        typer.echo(said("error", f"{_recordings(summary.failed)} failed: see {Path(output) / FAILED}"), err=True)
    return 2 if summary.failed else 0


def _recordings(count: int) -> str:
    return f"{count:,} recording" if count == 1 else f"{count:,} recordings"
