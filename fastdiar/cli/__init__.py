"""The commands. A command's file imports nothing heavy at its top: `fastdiar --help` must be there at once."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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

SHORT = 66
"""Letters of what a command does, so that a line is no longer than 80."""
GROUPS = {
    "Diarize": (diarize.diarize, stream.stream, enroll.enroll, convert.convert, convert.assign, view.view),
    "Serve": (serve.serve,),
    "Measure": (score.score, analyze.analyze, evaluate.evaluate, compare.compare, tune.tune, bench.bench),
    "Train": (download.download, prepare.prepare, simulate.simulate, data.app, recipe.app, train.train),
    "Models": (models.models, export.export, bundle.bundle, bundle.backend),
    "Components": (plugins.plugins, new.new),
}
"""All commands, as `--help` lists them."""


class _Grouped(TyperGroup):
    """Lists commands by their groups, as typer does only where it draws boxes and reads brackets as markup."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for group in GROUPS:
            with formatter.section(group):
                commands = [(name, each) for name, each in self.commands.items() if each.rich_help_panel == group]
                formatter.write_dl([(name, each.get_short_help_str(SHORT)) for name, each in commands])


app = typer.Typer(cls=_Grouped, pretty_exceptions_enable=False, rich_markup_mode=None, help="Who spoke when.")
for group, commands in GROUPS.items():
    for each in commands:
        if isinstance(each, typer.Typer):
            app.add_typer(each, rich_help_panel=group)
        else:
            app.command(rich_help_panel=group)(each)


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
