"""`fastdiar serve`: recordings in over HTTP, turns out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.errors import needs


def serve(
    model: Annotated[str, typer.Option(help="A model that ships, by name, or the folder of one.")] = DEFAULT_MODEL,
    host: Annotated[
        str, typer.Option(help="The address to listen on; one that others can reach needs --token-file.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer, each with its model.")] = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Requests that a worker computes at once; by default its share of the cores.")
    ] = None,
    known: Annotated[Path | None, typer.Option(metavar="FILE", help="People to call by name, from fastdiar enroll.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file whose first line is a token that every request must show.")
    ] = None,
    jobs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where jobs are kept; by default ~/.local/state/fastdiar/jobs.")
    ] = None,
    redis: Annotated[
        str | None,
        typer.Option(metavar="URL", envvar="FASTDIAR_REDIS", help="Keep the table of jobs in Redis, as for several machines."),
    ] = None,
    limits: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="LIMIT=VALUE", help="A limit, such as longest_minutes=30: docs/server.md."),
    ] = None,
) -> None:
    """Answer over HTTP who spoke when. What can be asked stands at /docs.

    Example: fastdiar serve --model quickstart --workers 2 --set most_waiting=64
    """
    with needs("serve", "fastdiar serve"):
        from fastdiar.serving.server import serve as run
    from fastdiar.core.processes import cores
    from fastdiar.serving.settings import ServeSettings, limited

    kept = {"redis": redis} if jobs is None else {"redis": redis, "jobs": jobs.absolute()}
    settings = ServeSettings(model, known, host, token_file, threads or max(1, cores() // workers), **kept)
    run(limited(settings, limits or []), port, workers)
