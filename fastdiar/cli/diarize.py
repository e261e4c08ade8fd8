"""`fastdiar diarize`: recordings in, turns out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdiar.cli.outputs import file_to_write, folder_to_fill
from fastdiar.cli.styles import Style, format_for
from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.errors import FastdiarError, said

if TYPE_CHECKING:
    from fastdiar.core.formats import Format
    from fastdiar.core.types import Diarization
    from fastdiar.diarization.diarizer import Diarizer


class Engine(StrEnum):
    """Whose processes hear an archive."""

    process = "process"
    ray = "ray"


class Provider(StrEnum):
    """What the model runs on."""

    cpu = "cpu"
    cuda = "cuda"
    tensorrt = "tensorrt"


Audio = Annotated[
    list[str],
    typer.Argument(
        metavar="AUDIO",
        help="Recordings (wav, flac, ogg, opus, mp3…), - for standard input, or folders and tables (.tsv, .csv) of them.",
    ),
]
Output = Annotated[
    str | None, typer.Option("--output", "-o", help="A file for one recording, a folder for several; otherwise standard output.")
]
RunnerUp = Annotated[bool, typer.Option("--runner-up", help="In json, also the turns with one person more than found.")]
Channel = Annotated[str, typer.Option(help="A channel from 0, mix for the mean of all, or split where each holds one person.")]
Embeddings = Annotated[
    Path | None, typer.Option(metavar="FILE.npz", callback=file_to_write, help="Write the voice of each person found, a vector.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="An archive's recordings heard at once; by default as many as there are cores.")
]
RayAddress = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="The Ray cluster; by default the one here.")]


def diarize(
    audio: Audio,
    output: Output = None,
    format: Annotated[Style | None, typer.Option(help="How turns are written; by default what OUTPUT ends in, or rttm.")] = None,
    model: Annotated[str, typer.Option(help="A model that ships, by name, or the folder of one.")] = DEFAULT_MODEL,
    num_speakers: Annotated[int | None, typer.Option(min=1, help="How many people speak, where it is known.")] = None,
    min_speakers: Annotated[int | None, typer.Option(min=1, help="At least so many people.")] = None,
    max_speakers: Annotated[int | None, typer.Option(min=1, help="At most so many people.")] = None,
    exclusive: Annotated[bool, typer.Option("--exclusive", help="One person at a time, the likelier of two.")] = False,
    runner_up: RunnerUp = False,
    channel: Channel = "mix",
    known: Annotated[Path | None, typer.Option(metavar="FILE", help="People to call by name, from fastdiar enroll.")] = None,
    embeddings: Embeddings = None,
    threads: Annotated[int, typer.Option(min=1, help="Cores to use, of each process.")] = 1,
    provider: Annotated[Provider, typer.Option(help="What the model runs on.")] = Provider.cpu,
    engine: Annotated[Engine | None, typer.Option(help="An archive's: processes of this machine, or of a Ray cluster.")] = None,
    workers: Workers = None,
    ray_address: RayAddress = None,
) -> int:
    """Who spoke when.

    An archive (folders, or tables with a column path) keeps its layout below -o, and manifest.jsonl there notes what is done:
    stopped, the same command goes on.

    Example: fastdiar diarize meeting.wav -o meeting.rttm --known known.json
    Example: fastdiar diarize recordings/ -o turns/
    """
    style = format_for(output, format)
    archive = bool(engine or workers or ray_address) or any(map(_is_collection, audio))
    _check(embeddings, archive, runner_up, style)
    wishes = _count(num_speakers, min_speakers, max_speakers)
    wishes |= {"exclusive": exclusive, "runner_up": runner_up, "channel": _channel(channel)}
    targets = [] if archive else _targets(audio, output, style)
    from fastdiar.core.voices import read_known, write_embeddings
    from fastdiar.diarization.diarizer import load

    diarizer = load(model, threads, provider.value)
    if known is not None:
        wishes["known"] = read_known(known)
        wishes["known"].expect(diarizer.model.bundle)
    if archive:
        from fastdiar.cli.archive import diarize_archive

        return diarize_archive(audio, output, style, diarizer.model, wishes, engine, workers, ray_address)
    found = _diarized(diarizer, targets, style, wishes)
    if embeddings is not None and found:
        write_embeddings(embeddings, found, diarizer.model.bundle)
    return 0 if len(found) == len(targets) else 2


def _check(embeddings: Path | None, archive: bool, runner_up: bool, style: Format) -> None:
    """That what is to be written can be."""
    if embeddings is not None and archive:
        raise FastdiarError("--embeddings is for recordings that are named one by one, not for an archive")
    if embeddings is not None and embeddings.suffix != ".npz":
        raise FastdiarError(f"--embeddings {embeddings}: expected a name that ends in .npz")
    if runner_up and style.name != "json":
        raise FastdiarError("--runner-up is told in json only: add --format json")


def _count(num_speakers: int | None, min_speakers: int | None, max_speakers: int | None) -> dict[str, Any]:
    """How many people there may be."""
    if min_speakers and max_speakers and min_speakers > max_speakers:
        raise FastdiarError(f"--min-speakers {min_speakers} is above --max-speakers {max_speakers}")
    if num_speakers and (min_speakers or max_speakers):
        raise FastdiarError("--num-speakers says it all: leave --min-speakers and --max-speakers out")
    return {"num_speakers": num_speakers, "min_speakers": min_speakers, "max_speakers": max_speakers}


def _diarized(
    diarizer: Diarizer, targets: list[tuple[str, Path | None]], style: Format, wishes: dict[str, Any]
) -> list[Diarization]:
    """Diarize and write one after the other; those that worked, without their turns. The others are told of."""
    import attrs

    done = []
    with _Bar() as bar:
        for source, target in targets:
            try:
                found = diarizer(source, progress=bar.of(source), **wishes)
                _write(found, target, style)
                done.append(attrs.evolve(found, turns=()))
            except FastdiarError as error:
                typer.echo(said("error", str(error)), err=True)
    return done


def _is_collection(argument: str) -> bool:
    """Whether it names a folder or a table of recordings."""
    return argument.lower().endswith((".csv", ".tsv")) or Path(argument).is_dir()


def _channel(text: str) -> int | str:
    if text in ("mix", "split"):
        return text
    if not text.isdecimal():
        raise FastdiarError(f"--channel is '{text}': expected a number from 0, mix or split")
    return int(text)


def _targets(audio: list[str], output: str | None, style: Format) -> list[tuple[str, Path | None]]:
    """Each recording with the file its turns go to; None is standard output."""
    if output is None or output == "-":
        if len(audio) > 1 and style.name != "rttm":
            raise FastdiarError(f"several recordings as {style.name} need a folder to be written to: -o FOLDER")
        return [(source, None) for source in audio]
    from fastdiar.core.formats import named_format

    folder = Path(output)
    if len(audio) == 1 and not folder.is_dir() and not output.endswith("/"):
        if folder.exists() and Path(audio[0]).exists() and folder.samefile(audio[0]):
            raise FastdiarError(f"{folder}: is the recording itself: choose another file to be written to")
        return [(audio[0], file_to_write(folder))]
    if (folder.exists() and not folder.is_dir()) or (not folder.exists() and named_format(folder) is not None):
        raise FastdiarError(f"{folder}: is a file: several recordings need a folder to be written to")
    targets: dict[Path, str] = {}
    for source in audio:
        target = folder / f"{'stdin' if source == '-' else Path(source).stem}{style.suffix}"
        if target in targets:
            raise FastdiarError(f"{targets[target]} and {source} would both be written to {target}: rename one or run them apart")
        targets[target] = source
    folder_to_fill(folder)
    return [(source, target) for target, source in targets.items()]


def _write(found: Diarization, target: Path | None, style: Format) -> None:
    from fastdiar.core.files import write_text

    for warning in found.warnings:
        typer.echo(said("warning", warning), err=True)
    text = style.write(found)
    if target is None:
        typer.echo(text, nl=False)
        return
    try:
        write_text(target, text)
    except OSError as error:
        raise FastdiarError(f"{target}: cannot be written: {error.strerror}") from None


class _Bar:
    """A bar of the seconds heard, on standard error, where that is a terminal."""

    def __enter__(self) -> _Bar:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._progress.start()
        return self

    def of(self, source: str):
        """What tells the bar how far one recording is."""
        task = self._progress.add_task(Path(source).name, total=None)
        return lambda done, total: self._progress.update(task, completed=done, total=total)

    def __exit__(self, *error: object) -> None:
        self._progress.stop()
