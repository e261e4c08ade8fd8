"""`fastdiar models`: what `--model` takes."""

from __future__ import annotations

import typer


def models() -> None:
    """List the models that ship, the default first.

    Example: fastdiar models
    """
    from fastdiar.core.bundle import read_bundle
    from fastdiar.core.default import DEFAULT_MODEL
    from fastdiar.diarization.model import ASSETS, shipped

    names = sorted(shipped(), key=lambda name: (name != DEFAULT_MODEL, name))
    for name in names:
        folder = ASSETS / name
        size = sum((folder / file).stat().st_size for file in read_bundle(folder).files) / 1e6
        about = (folder / "card.md").read_text(encoding="utf-8").split("\n\n")[1].replace("\n", " ")
        typer.echo(f"{name:{max(map(len, names))}}  {size:4.1f} MB  {about}")
