"""`fastdiar export`: a run in, a model that runs without torch out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastdiar.core.default import DEFAULT_MODEL


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, as fastdiar train writes it.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="BUNDLE", help="The model's folder, which must be new.")],
    to: Annotated[str | None, typer.Option(help="The exporter; by default the recipe's [export], else onnx.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="fp32, fp16 (half the size) or int8 (a quarter, and faster); by default the recipe's.")
    ] = None,
    gate: Annotated[
        Path | None,
        typer.Option(help="Recordings with RTTM files (a folder, or a recipe's [data.test]) that must be diarized as before."),
    ] = None,
    activity: Annotated[
        str, typer.Option(metavar="MODEL", help="Whose graph for who is active comes along, where the run has none.")
    ] = DEFAULT_MODEL,
    learnt: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="The share kept of what training changed, 0 to 1."),
    ] = 1.0,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A value of the run's recipe, such as export.batch.")
    ] = None,
) -> None:
    """Export a run as a model that runs without torch.

    Its best network is written, and checked to compute what torch does: gate.json says how closely. Where too much DER is lost
    (more than 0.01 points in fp32, 0.1 in fp16, 0.3 in int8), nothing is exported.

    Example: fastdiar export runs/quickstart --to onnx --precision fp16 -o models/quickstart
    """
    from fastdiar.core.errors import needs

    with needs("train", "exporting"):
        from fastdiar.training.export import export_run
    exported = export_run(run, output, to, precision, gate, overrides or (), activity, learnt)
    for name, parity in exported.gate.graphs.items():
        size = (output / name).stat().st_size / 1e6
        typer.echo(f"{name:14} {size:6.2f} MB with weights, differs from torch by at most {parity.outputs:.1e}")
    typer.echo(exported.gate)
    if not exported.bundle.embedding:
        typer.echo(f"{output}: tells no voices apart: a model that does takes it along, fastdiar export RUN --activity {output}")
