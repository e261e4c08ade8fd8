"""`fastdiar score`: turns against a reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastdiar.cli.tables import percent, row, show, table

if TYPE_CHECKING:
    from fastdiar.evaluation.diarization import Conditions, Score


def score(
    reference: Annotated[
        Path,
        typer.Argument(metavar="REF", help="The true turns: RTTM, JSON or any other format of turns; or a folder of RTTM files."),
    ],
    hypothesis: Annotated[Path, typer.Argument(metavar="HYP", help="The turns to judge, likewise.")],
    uem: Annotated[Path | None, typer.Option(help="The stretches to score: a UEM file, or a folder of them.")] = None,
    collar: Annotated[
        float | None, typer.Option(min=0, help="Seconds around each reference boundary not scored, in all: 0.5 is ±0.25 s.")
    ] = None,
    skip_overlap: Annotated[bool, typer.Option("--skip-overlap", help="Leave out where several people speak.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures for programs.")] = False,
) -> None:
    """Diarization error rate, with its parts.

    The parts are missed speech, false alarm and confusion.

    Without --collar and --skip-overlap, strict and lenient scores are both printed. Example:
    fastdiar score reference.rttm meeting.rttm
    """
    from fastdiar.evaluation.diarization import LENIENT, STRICT, Conditions, pairs, pooled
    from fastdiar.evaluation.diarization import score as score_pair

    chosen = {"strict": STRICT, "lenient": LENIENT}
    if collar is not None or skip_overlap:
        chosen = {"as asked": Conditions(collar or 0.0, skip_overlap)}
    compared = pairs(reference, hypothesis, uem)
    results = {name: [score_pair(pair, conditions) for pair in compared] for name, conditions in chosen.items()}
    if len(compared) > 1:
        results = {name: [*scores, pooled(scores)] for name, scores in results.items()}
    described = {
        "reference": str(reference),
        "uem": str(uem) if uem else "everything up to the last turn's end",
        "conditions": {name: _values(conditions) for name, conditions in chosen.items()},
    }
    if as_json:
        scores = {name: [{"der": one.der, **_values(one)} for one in scores] for name, scores in results.items()}
        typer.echo(json.dumps({**described, "scores": scores}, indent=2))
    else:
        _print(results, chosen, described)


def _values(settings: Any) -> dict[str, Any]:
    import attrs

    return attrs.asdict(settings)


def _print(results: dict[str, list[Score]], chosen: dict[str, Conditions], described: dict[str, Any]) -> None:
    typer.echo(f"reference {described['reference']}; scored: {described['uem']}")
    for name, scores in results.items():
        columns = ("DER %", "missed", "false alarm", "confusion", "JER %", "speakers", "found")
        figures = table(f"{name}: {chosen[name]}", "recording", *columns)
        for one in scores:
            parts = (one.missed, one.false_alarm, one.confusion)
            shares = [percent(part / one.speech if one.speech else None) for part in parts]
            row(figures, one.uri, percent(one.der), *shares, percent(one.jer), str(one.speakers), str(one.found))
        show(figures)
