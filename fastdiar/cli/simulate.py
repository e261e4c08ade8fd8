"""`fastdiar simulate`: meetings with exact references, to tune and to train on."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdiar.cli.recipe import Overrides, RecipePath
from fastdiar.core.errors import DataError

if TYPE_CHECKING:
    from fastdiar.core.dataset import Entry


def simulate(
    recipe: RecipePath,
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder for NAME.flac, NAME.rttm and NAME.uem.")],
    number: Annotated[int | None, typer.Option("--number", "-n", min=1, help="Only the first meetings.")] = None,
    split: Annotated[str, typer.Option(metavar="NAME", help="Which [data.NAME] of the recipe: train, dev or test.")] = "dev",
    jobs: Annotated[int, typer.Option(min=1, help="Processes that work side by side.")] = 1,
    overrides: Overrides = None,
) -> None:
    """Make the meetings of a recipe whose data is `conversation`.

    Example: fastdiar simulate recipes/devset.toml -o devset
    """
    from rich.progress import track

    from fastdiar.recipe import read_data, read_recipe

    resolved = read_recipe(recipe, overrides or ())
    makers = [name for name, part in resolved.data.items() if part.use == "conversation"]
    if split not in makers:
        there = f"expected one of {', '.join(makers)}" if makers else "the recipe has none"
        raise DataError(f'--split {split}: {recipe}: makes no meetings, as [data.NAME] with use = "conversation" does: {there}')
    dataset, entries = read_data(resolved, split)
    entries = entries[:number]
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{output}: cannot be a folder to write to: {error.strerror}") from None
    with ProcessPoolExecutor(jobs, initializer=_Maker.prepare, initargs=(dataset, output)) as pool:
        people = list(track(pool.map(_Maker.make, entries), "meetings", len(entries), transient=True))
    typer.echo(f"{output}: {len(people)} meetings of {min(people)} to {max(people)} people")


class _Maker:
    """What a process keeps: the dataset, which learns its rhythms once, and where to write."""

    dataset: Any
    output: Path

    @classmethod
    def prepare(cls, dataset: Any, output: Path) -> None:
        """Runs once in every process."""
        cls.dataset, cls.output = dataset, output

    @classmethod
    def make(cls, entry: Entry) -> int:
        """Write one meeting; the number of people heard in it."""
        import soundfile

        from fastdiar.core.files import replacing, write_text
        from fastdiar.core.formats import format_rttm
        from fastdiar.core.types import RATE, Diarization

        meeting = cls.dataset.meeting(entry)
        found = Diarization(entry.key, meeting.turns)
        with replacing(cls.output / f"{entry.key}.flac") as path:
            soundfile.write(path, meeting.samples, RATE, subtype="PCM_16", format="FLAC")
        write_text(cls.output / f"{entry.key}.rttm", format_rttm(found))
        write_text(cls.output / f"{entry.key}.uem", f"{entry.key} 1 0.000 {len(meeting.samples) / RATE:.3f}\n")
        return len(found.speakers)
