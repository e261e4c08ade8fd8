"""`fastdiar new`: a package with a component of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastdiar.cli.plugins import kinds


def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What it is, such as encoder or loss.", autocompletion=kinds)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name; recipes call the component NAME/NAME.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="The folder for the package's folder.")] = Path(),
) -> None:
    """Write an installable package with a component of your own.

    Beside it are its test and a recipe that uses it.

    Example: fastdiar new encoder wavy
    """
    from fastdiar.scaffold import new_package

    folder = new_package(kind, name, into)
    typer.echo(f"{folder}: the {kind} '{name}/{name}'. Next: pip install -e '{folder}[dev]'; README.md there tells the rest")
