"""`fastdiar enroll`: learn people's voices, to name them later."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastdiar.cli.outputs import file_to_write
from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.errors import FastdiarError, said


def enroll(
    people: Annotated[
        list[str], typer.Argument(metavar="NAME=FILE", help="A recording in which one person speaks alone; several for one name.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", callback=file_to_write, help="A file for fastdiar diarize --known.")],
    model: Annotated[str, typer.Option(help="The model that will diarize: by name, or the folder of one.")] = DEFAULT_MODEL,
    threads: Annotated[int, typer.Option(min=1, help="Cores to use.")] = 1,
) -> None:
    """Learn people's voices from recordings, to name them in others.

    Example: fastdiar enroll ann=ann.wav bob=bob1.wav bob=bob2.wav -o known.json
    """
    recordings: dict[str, list[str]] = {}
    for each in people:
        name, equals, path = each.partition("=")
        if not equals or not path:
            raise FastdiarError(f"'{each}': expected NAME=FILE, such as ann=ann.wav")
        recordings.setdefault(name, []).append(path)
    if output.suffix != ".json":
        raise FastdiarError(f"-o {output}: expected a name that ends in .json")
    from fastdiar.core.voices import write_known
    from fastdiar.diarization.diarizer import load
    from fastdiar.diarization.enrolment import enroll as learn

    known = learn(load(model, threads), recordings, warn=lambda words: typer.echo(said("warning", words), err=True))
    write_known(output, known)
    for voice in known.voices:
        typer.echo(f"{voice.name}: {voice.seconds:.1f} s of speech")
