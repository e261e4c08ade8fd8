"""`fastdiar bundle` and `fastdiar backend`: published networks as a model that diarizes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bundle(
    segmentation: Annotated[
        Path, typer.Argument(metavar="SEGMENTATION", help="segmentation-3.0 as ONNX, or a model that has it.")
    ],
    embedding: Annotated[Path, typer.Argument(metavar="EMBEDDING", help="CAM++ (3D-Speaker, 192 numbers a voice) as ONNX.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of the model.")],
    precision: Annotated[
        str, typer.Option(help="fp16 stores weights in half; int8 also computes most of the embedding network in 8 bits.")
    ] = "fp16",
    calibrate: Annotated[Path | None, typer.Option(help="Folder of recordings that int8 is fitted to.")] = None,
    plda: Annotated[
        Path | None, typer.Option("--backend", help="backend.safetensors of a model of the same networks, to cluster with.")
    ] = None,
    gate: Annotated[
        Path | None,
        typer.Option(help="Recordings with RTTM files (a folder, or a recipe's [data.test]) that must be diarized as before."),
    ] = None,
) -> None:
    """Make a model of a segmentation and an embedding network.

    Each second is heard once. What must be diarized as before is compared with the networks as they came.

    Example: fastdiar bundle segmentation_3.onnx campplus_192.onnx -o quality
    """
    from fastdiar.core.errors import MissingExtra, ModelError

    try:
        from fastdiar.teachers.bundle import make_bundle
    except ImportError as error:
        raise MissingExtra(f"making a bundle ({error.name})", "train") from None
    if precision not in ("fp16", "int8"):
        raise ModelError(f"--precision {precision}: expected fp16 or int8")
    made, passed = make_bundle(segmentation, embedding, output, precision, calibrate, gate, plda)
    size = sum((output / name).stat().st_size for name in made.files) / 1e6
    typer.echo(f"{output}: {', '.join(made.files)}: {size:.1f} MB")
    typer.echo(passed)


def backend(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a model of your own.")],
    meetings: Annotated[Path, typer.Argument(metavar="MEETINGS", help="Recordings with RTTM files of the same names.")],
    threads: Annotated[int, typer.Option(min=1, help="Cores to use.")] = 1,
) -> None:
    """Fit the PLDA of a model's clustering.

    It learns from recordings whose speakers are known.

    Example: fastdiar simulate recipes/plda.toml -o meetings && fastdiar backend quality meetings
    """
    from rich.console import Console

    from fastdiar.diarization.plda import add_backend

    with Console(stderr=True).status("hearing meetings") as status:
        add_backend(model, meetings, lambda done, total: status.update(f"heard {done} of {total} meetings"), threads)
