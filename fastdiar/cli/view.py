"""`fastdiar view`: a recording and its turns as a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastdiar.cli.outputs import page_to_write
from fastdiar.core.errors import FastdiarError, said

if TYPE_CHECKING:
    from fastdiar.core.types import Diarization


def view(
    audio: Annotated[Path, typer.Argument(metavar="AUDIO", help="The recording.")],
    turns: Annotated[Path, typer.Argument(metavar="TURNS", help="Who spoke when, in any format of turns.")],
    output: Annotated[Path, typer.Option("--output", "-o", callback=page_to_write, help="The page, an .html file.")],
    reference: Annotated[Path | None, typer.Option(metavar="REF", help="The true turns, drawn above.")] = None,
    silent: Annotated[
        bool, typer.Option("--silent", help="Leave the sound out: a smaller page, which gives no voice away.")
    ] = False,
) -> None:
    """Draw who spoke when as one HTML file.

    It needs nothing else, and can be played, zoomed and sent.

    Example: fastdiar view meeting.wav meeting.rttm --reference reference.rttm -o meeting.html
    """
    from fastdiar.core.files import write_text
    from fastdiar.page.view import hear, page

    found, true = _turns_of(audio, turns), None if reference is None else _turns_of(audio, reference)
    heard = hear(audio, sound=not silent)
    if heard.sound is None and not silent:
        typer.echo(said("warning", f"{audio}: too long for its sound to be in the page"), err=True)
    write_text(output, page(audio.name, heard, found, true))


def _turns_of(audio: Path, turns: Path) -> Diarization:
    """The turns of this recording, where the file holds those of others too."""
    from fastdiar.core.formats import read_turns

    found = read_turns(turns)
    if len(found) == 1:
        return found[0]
    mine = next((one for one in found if one.uri == audio.stem), None)
    if mine is None:
        raise FastdiarError(f"{turns}: holds {len(found)} recordings, and '{audio.stem}' is none of them")
    return mine
