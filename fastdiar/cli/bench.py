"""`fastdiar bench`: how long a model takes on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastdiar.cli.diarize import Provider
from fastdiar.core.default import DEFAULT_MODEL


def bench(
    audio: Annotated[Path | None, typer.Argument(metavar="[AUDIO]", help="A recording to time it on.")] = None,
    model: Annotated[str, typer.Option(help="A model that ships, by name, or the folder of one.")] = DEFAULT_MODEL,
    threads: Annotated[int, typer.Option(min=1, help="Cores to use.")] = 1,
    provider: Annotated[Provider, typer.Option(help="What the model runs on.")] = Provider.cpu,
    seconds: Annotated[float, typer.Option(min=0, help="About how long to measure.")] = 24.0,
) -> None:
    """Time a model: a clip, a step of a stream, a minute.

    It takes half a minute, on made-up voices unless a recording is given. The last line can be pasted into an issue.

    Example: fastdiar bench --model quickstart
    """
    from rich.console import Console

    from fastdiar.diarization.diarizer import load
    from fastdiar.evaluation.bench import bench as measure

    diarizer = load(model, threads, provider.value)
    with Console(stderr=True).status("timing") as status:
        found = measure(diarizer, audio, seconds, lambda what: status.update(f"timing {what}"))
    typer.echo(found)
