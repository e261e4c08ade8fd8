"""`fastdiar convert`, `fastdiar assign`: turns in other formats, and who said which word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastdiar.cli.outputs import file_to_write, folder_to_fill, write
from fastdiar.cli.styles import Style, format_for
from fastdiar.core.errors import FastdiarError

if TYPE_CHECKING:
    from fastdiar.core.types import Diarization


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Turns: .rttm, .json, .srt, .vtt, .TextGrid, .txt or .csv.")],
    target: Annotated[
        Path | None, typer.Argument(metavar="[OUT]", help="A file, a folder where IN holds several recordings, or -.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT", help="The same, as other commands say it.")
    ] = None,
    read_as: Annotated[Style | None, typer.Option("--from", help="What IN is; by default what its name says, or rttm.")] = None,
    write_as: Annotated[Style | None, typer.Option("--to", help="What OUT is to be; by default what its name ends in.")] = None,
) -> None:
    """Turns from one format to another.

    Example: fastdiar convert meeting.rttm meeting.TextGrid
    """
    from fastdiar.core.formats import read_turns

    if target is not None and output is not None:
        raise FastdiarError(f"{target} and -o {output}: say one place to write to")
    if (output := output or target) is None:
        raise FastdiarError(f"say where to write to: fastdiar convert {source} -o OUT")
    style = format_for(output, write_as)
    found = read_turns(source, read_as)
    several = len(found) > 1 or output.is_dir()
    targets = _targets(found, folder_to_fill(output), style.suffix) if several else {file_to_write(output): found[0]}
    for target, one in targets.items():
        write(target, style.write(one))


def assign(
    words: Annotated[Path, typer.Argument(metavar="WORDS.json", help="Words with times, from Whisper or WhisperX.")],
    turns: Annotated[Path, typer.Argument(metavar="TURNS", help="Who spoke when, in any format of turns.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", callback=file_to_write, help="A .json, .srt, .vtt or .txt; else standard output."),
    ] = None,
) -> None:
    """Words and turns together: who said what.

    Example: fastdiar assign meeting.json meeting.rttm -o meeting.srt
    """
    from fastdiar.core.formats import read_turns
    from fastdiar.core.formats.words import WORD_FORMATS, assign, read_words

    style = "txt" if output is None or str(output) == "-" else output.suffix.lower().removeprefix(".")
    if style not in WORD_FORMATS:
        raise FastdiarError(f"-o {output}: expected a name that ends in {', '.join(f'.{name}' for name in WORD_FORMATS)}")
    found = read_turns(turns)
    if len(found) > 1:
        raise FastdiarError(f"{turns}: holds {len(found)} recordings, the words are of one: fastdiar convert takes it apart")
    write(output, WORD_FORMATS[style](assign(read_words(words), found[0].turns)))


def _targets(found: list[Diarization], folder: Path, suffix: str) -> dict[Path, Diarization]:
    """A file for each recording, named after it; no name leads out of the folder."""
    from fastdiar.core.formats import named_format

    if str(folder) == "-" or folder.is_file() or (not folder.exists() and named_format(folder) is not None):
        raise FastdiarError(f"{folder}: is a file: {len(found)} recordings need a folder to be written to, and --to")
    targets: dict[Path, Diarization] = {}
    for one in found:
        if one.uri in (".", "..") or Path(one.uri).name != one.uri or not one.uri.isprintable():
            raise FastdiarError(f"recording '{one.uri}': is no name of a file: rename it before it is written to {folder}")
        targets[folder / f"{one.uri}{suffix}"] = one
    return targets
