"""`fastdiar download`: a corpus from where its owners keep it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastdiar.cli.progress import Progress
from fastdiar.core.errors import DataError, FastdiarError, nearest, said

if TYPE_CHECKING:
    from fastdiar.preparation.sources import Corpus, Part

PASSWORD = "FASTDIAR_PASSWORD"
"""The variable that the password is taken from: on the command line others could read it."""
NAMED = 10
"""Parts that are named where there are many."""
UNITS = ("B", "kB", "MB", "GB")


def download(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="ami, librispeech, musan, rirs_noises or voxceleb.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="The folder to write to: new, or one to go on with.")],
    part: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A part, such as dev-clean or ES2004a; several times for several.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="The licence was read and is accepted.")] = False,
    address: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="Another address that has the same files, such as a mirror.")
    ] = None,
    user: Annotated[str, typer.Option(help=f"For an address that asks who you are; the password is taken from {PASSWORD}.")] = "",
) -> int:
    """Download a corpus, or parts of it, and unpack it.

    The licence is shown and must be accepted. What is fetched is checked; stopped, it goes on with the same command.

    Example: fastdiar download librispeech /corpora --part dev-clean --part test-clean
    """
    from fastdiar.preparation.download import Server, chosen
    from fastdiar.preparation.download import download as fetch
    from fastdiar.preparation.sources import CORPORA

    if corpus not in CORPORA:
        raise DataError(f"no corpus '{corpus}'{nearest(corpus, CORPORA)}: expected one of {', '.join(CORPORA)}")
    source = CORPORA[corpus]
    parts = chosen(source, part or ())
    if address and not address.startswith(("https://", "http://")):
        raise FastdiarError(f"--from is '{address}': expected an address that begins with https:// or http://")
    server = Server(address or source.address, user, os.environ.get(PASSWORD, ""))
    if not server.address and any("://" not in file.name for each in parts.values() for file in each.files):
        raise DataError(f"{corpus} {source.access}")
    if not yes and not _accepted(source, parts, target):
        typer.echo(said("error", "nothing was downloaded: the licence was not accepted"), err=True)
        return 1
    try:
        with Progress(_size) as progress:
            fetch(parts, target, server, progress, progress.warn)
    except KeyboardInterrupt:
        typer.echo(said("stopped", "the same command goes on from here"), err=True)
        raise
    typer.echo(f"{target}: {corpus}: {_names(parts)}")
    return 0


def _accepted(source: Corpus, parts: dict[str, Part], target: Path) -> bool:
    """Show what would be downloaded, and under which licence; ask."""
    sizes = [file.size for each in parts.values() for file in each.files]
    much = f", {_size(sum(sizes))}" if all(sizes) else ""
    typer.echo(f"{source.title}\nlicence: {source.licence}\nto cite: {source.citation}\nto {target}: {_names(parts)}{much}")
    if not sys.stdin.isatty():
        raise FastdiarError("to accept the licence without being asked, say --yes")
    try:
        return typer.confirm("Accept the licence and download?")
    except typer.Abort:
        return False


def _names(parts: dict[str, Part]) -> str:
    shown = list(parts)[:NAMED]
    return ", ".join(shown) + (f" and {len(parts) - NAMED} more" if len(parts) > NAMED else "")


def _size(count: float) -> str:
    """Bytes as a person reads them: 3.4 MB."""
    power = next((power for power in range(len(UNITS)) if count < 1000 ** (power + 1)), len(UNITS) - 1)
    return f"{count / 1000**power:.1f} {UNITS[power]}" if power else f"{count:.0f} B"
