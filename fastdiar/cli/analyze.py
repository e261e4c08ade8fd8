"""`fastdiar analyze`: what goes wrong in turns, and where to hear it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastdiar.cli.outputs import file_to_write, page_to_write
from fastdiar.cli.tables import percent, row, show, table

if TYPE_CHECKING:
    from fastdiar.evaluation.analysis import Analysis
    from fastdiar.evaluation.diarization import Pair


def analyze(
    reference: Annotated[Path, typer.Argument(metavar="REF", help="The true turns: an RTTM file, or a folder of them.")],
    hypothesis: Annotated[Path, typer.Argument(metavar="HYP", help="The turns to judge: an RTTM file, or a folder of them.")],
    uem: Annotated[Path | None, typer.Option(help="The stretches to judge: a UEM file, or a folder of them.")] = None,
    audio: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The recordings; by default those that lie beside the references.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE.html", callback=page_to_write, help="Write a page on which the worst can be heard."
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", callback=file_to_write, help="Write figures for programs; - prints nothing else."),
    ] = None,
) -> None:
    """Errors by kind, their share of the DER, and the worst stretches.

    Example: fastdiar analyze meetings/ found/ --uem meetings/ -o errors.html
    """
    from fastdiar.core.errors import needs
    from fastdiar.core.files import write_text
    from fastdiar.evaluation.analysis import analyze as analyzed
    from fastdiar.evaluation.diarization import pairs

    if output is not None:
        with needs("report", "--output"):
            from fastdiar.evaluation.report.analysis import analysis_page
    compared = pairs(reference, hypothesis, uem)
    found = analyzed(compared)
    if output is not None:
        folder = audio or (reference if reference.is_dir() else reference.parent)
        write_text(output, analysis_page(str(hypothesis), found, compared, _Recordings(folder).samples))
    if json is not None and str(json) != "-":
        write_text(json, _figures(found))
    if str(json) == "-":
        typer.echo(_figures(found), nl=False)
    else:
        _print(str(hypothesis), found, compared)


class _Recordings:
    """Recordings of a folder by their uris; those that cannot be found or read are passed over with a warning."""

    def __init__(self, folder: Path) -> None:
        from fastdiar.core.audio import SUFFIXES

        self._files = {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES}

    def samples(self, uri: str, start: float, seconds: float):
        """A stretch of a recording, float32 `[samples]` at 16 kHz."""
        from fastdiar.core.audio import read
        from fastdiar.core.errors import FastdiarError, said
        from fastdiar.evaluation.diarization import partner

        try:
            return read(self._files[partner(uri, self._files, Path())], start, seconds)
        except FastdiarError as error:
            typer.echo(said("warning", f"{uri}: cannot be heard on the page: {error}"), err=True)
            return None


def _figures(found: Analysis) -> str:
    import json

    import attrs

    return json.dumps({**attrs.asdict(found), "seconds": found.seconds}, indent=2, ensure_ascii=False) + "\n"


def _print(name: str, found: Analysis, compared: Sequence[Pair]) -> None:
    kinds = table(
        f"{name}: DER {percent(found.seconds / found.speech if found.speech else None)} %", "error", "points", "share %"
    )
    for each in sorted(found.kinds, key=lambda each: -each.seconds):
        points = percent(each.seconds / found.speech if found.speech else None)
        row(kinds, f"{each.error}: {each.kind}", points, percent(each.seconds / found.seconds if found.seconds else None))
    worst = table("the worst stretches", "recording", "from s", "to s", "wrong s", "mostly")
    for each in found.worst:
        row(worst, each.uri, f"{each.start:.1f}", f"{each.end:.1f}", f"{each.seconds:.1f}", each.kinds[0])
    show(kinds, *([worst] if found.worst else []))
    typer.echo(
        f"number of people: too few in {found.too_few} of {len(compared)} recordings, right in {found.right}, "
        f"too many in {found.too_many}"
    )
