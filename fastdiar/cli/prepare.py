"""`fastdiar prepare`: a corpus as it was distributed in, files that training reads quickly out."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastdiar.cli.progress import Progress
from fastdiar.core.errors import FastdiarError, said

if TYPE_CHECKING:
    from fastdiar.preparation.conversion import Conversion

NAMED = 20
"""Unreadable recordings that are named on the terminal; all of them stand in skipped.tsv."""
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


def prepare(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="The dataset that reads it, such as voxceleb or librispeech.")],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The corpus' folder, or for manifest its table.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="The folder to write to: new, or one to go on with.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes side by side; by default one for each core.")] = None,
    shards: Annotated[str | None, typer.Option(metavar="SIZE", help="Write tar files of this size too, such as 1GB.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the dataset, such as references=FOLDER for ami."),
    ] = None,
    max_bad_share: Annotated[float, typer.Option(min=0, max=1, help="Share of unreadable recordings that is still good.")] = 0.01,
) -> int:
    """Convert a corpus to 16 kHz mono FLAC, in the same layout.

    DST gets manifest.tsv with lengths, checksums and labels, and skipped.tsv with what was left out and why. Metadata files
    are copied. Stopped, it goes on with the same command. Exit code 1: too many recordings cannot be read.

    Example: fastdiar prepare voxceleb /corpora/voxceleb2 /data/voxceleb2 --shards 1GB
    """
    largest = None if shards is None else _bytes(shards)
    from fastdiar.preparation.prepare import SHARDS, SKIPPED, original, pack
    from fastdiar.preparation.prepare import prepare as prepare_corpus

    found = original(corpus, source, settings or ())
    try:
        with Progress() as progress:
            conversion = prepare_corpus(found, target, workers or os.cpu_count() or 1, progress)
            _report(conversion, target)
            if conversion.bad_share > max_bad_share:
                share = f"{conversion.bad_share:.1%} of the recordings cannot be read"
                limit = f"more than {max_bad_share:.1%} (--max-bad-share)"
                typer.echo(said("error", f"{share}, {limit}: see {target / SKIPPED}"), err=True)
                return 1
            if largest is not None:
                packed = pack(found, target, conversion, largest, progress)
                typer.echo(f"{target / SHARDS}: {packed.utterances:,} utterances, tar files: {packed.shards:,}")
                for reason in packed.bad[:NAMED]:
                    typer.echo(said("warning", f"not in a shard: {reason}"), err=True)
    except KeyboardInterrupt:
        typer.echo(said("stopped", "the same command goes on from here"), err=True)
        raise
    return 0


def _bytes(text: str) -> int:
    """A size such as 500MB or 1GB in bytes."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMG]?)B?", text.strip().upper())
    size = int(float(match[1]) * UNITS[match[2]]) if match else 0
    if size < UNITS["K"]:
        raise FastdiarError(f"--shards is '{text}': expected a size such as 500MB or 1GB")
    return size


def _report(conversion: Conversion, target: Path) -> None:
    hours = sum(each.seconds for each in conversion.converted) / 3600
    beside = f", {conversion.copied:,} metadata files" if conversion.copied else ""
    typer.echo(f"{target}: {len(conversion.converted):,} recordings, {hours:,.2f} hours{beside}")
    for each in conversion.bad[:NAMED]:
        typer.echo(said("skipped", f"{each.path}: {each.reason}"), err=True)
    others = len(conversion.skipped) - min(NAMED, len(conversion.bad))
    if others:
        typer.echo(said("skipped", f"{others:,} more: see skipped.tsv"), err=True)
    if conversion.left:
        typer.echo(said("left", f"{conversion.left:,} files that are neither sound nor metadata"), err=True)
