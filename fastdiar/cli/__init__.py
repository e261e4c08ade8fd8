"""The commands. A command's file imports nothing heavy at its top: `fastdiar --help` must be there at once."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from fastdiar.cli import (
    analyze,
    bench,
    bundle,
    compare,
    convert,
    data,
    diarize,
    download,
    enroll,
    evaluate,
    export,
    models,
    new,
    plugins,
    prepare,
    recipe,
    score,
    serve,
    simulate,
    stream,
    train,
    tune,
    view,
)

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None, help="Who spoke when.")
app.command()(diarize.diarize)
app.command()(enroll.enroll)
app.command()(convert.convert)
app.command()(convert.assign)
app.command()(view.view)
app.command()(score.score)
app.command()(analyze.analyze)
app.command()(stream.stream)
app.command()(serve.serve)
app.command()(simulate.simulate)
app.command()(download.download)
app.command()(prepare.prepare)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(compare.compare)
app.command()(tune.tune)
app.command()(export.export)
app.command()(bundle.bundle)
app.command()(bundle.backend)
app.command()(models.models)
app.command()(bench.bench)
app.command()(plugins.plugins)
app.command()(new.new)
app.add_typer(recipe.app)
app.add_typer(data.app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"fastdiar {version('fastdiar')}")
        raise typer.Exit


@app.callback()
def _options(
    asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Options of every command."""
