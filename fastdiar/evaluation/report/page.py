"""An evaluation as one HTML page that needs nothing else: no script, nothing from elsewhere, strangers' words escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs
from markupsafe import Markup

from fastdiar.core.toml_text import dumps
from fastdiar.evaluation.analysis import KINDS, analyze
from fastdiar.evaluation.closed_set import ClosedSet, Confusion
from fastdiar.evaluation.criteria import Measured
from fastdiar.evaluation.diarization import Score, same_people
from fastdiar.evaluation.evaluation import Evaluation
from fastdiar.evaluation.intervals import Interval
from fastdiar.evaluation.recordings import Diarized, Heard
from fastdiar.evaluation.report import pictures
from fastdiar.evaluation.report.templates import inline, percent, template_of
from fastdiar.evaluation.verification import Verification

BEST, WORST = 1, 3
"""Timelines shown of each set."""
HEADLINE_CLIP = (2.0, "cosine")
"""Seconds and scores of the EER that is seen first."""
CONFUSED = 12
"""Pairs of speakers that are named as most confused."""
STATUS = {"stretch": "stretch reached", "target": "reached", "missed": "not reached", "not measured": "not measured here"}


def page(evaluation: Evaluation) -> str:
    """The whole page."""
    template = template_of("page.html", between=_between, value=_value)
    with pictures.style():
        return template.render(
            evaluation=evaluation,
            headlines=_headlines(evaluation),
            status=STATUS,
            analyses={name: analyze([each.pair for each in heard.heard]) for name, heard in evaluation.diarization.items()},
            meanings=KINDS,
            timelines={name: _timelines(heard) for name, heard in evaluation.diarization.items()},
            voices={name: _voices(results) for name, results in evaluation.verification.items()},
            speakers={name: _speakers(known) for name, known in evaluation.closed_set.items()},
            curves=inline(pictures.curves(evaluation.run.epochs)) if evaluation.run and evaluation.run.epochs else None,
            recipe=dumps(evaluation.recipe) if evaluation.recipe else "",
        )


@attrs.frozen
class Headline:
    """A figure that is seen first."""

    name: str
    value: str
    note: str


@attrs.frozen
class Timeline:
    """A recording's reference over what was found, and how good that is."""

    score: Score
    kind: str
    picture: Markup


@attrs.frozen
class VoicesSection:
    """What is shown of pairs of voices: a DET curve and histograms of scores by corpus."""

    det: dict[str, Markup]
    histograms: dict[str, Markup]


@attrs.frozen
class SpeakersSection:
    """What is shown of a closed set: the confusion matrix, who is confused most, each speaker's F1 from the worst."""

    matrix: Markup
    confused: tuple[Confusion, ...]
    f1: tuple[tuple[str, float, int], ...]


def _headlines(evaluation: Evaluation) -> list[Headline]:
    found = []
    for name, heard in evaluation.diarization.items():
        result = heard.strict
        found.append(Headline(f"DER, {name}", f"{percent(result.pooled.der)} %", f"95 %: {_between(result.der_interval)}"))
    for results in evaluation.verification.values():
        for each in results:
            if (each.seconds, each.scores) == HEADLINE_CLIP:
                name = f"EER, {each.corpus or 'pairs'}, {_clip(each)}"
                found.append(Headline(name, f"{percent(each.eer)} %", f"95 %: {_between(each.interval)}"))
    for known in evaluation.closed_set.values():
        figures = known.overall
        note = f"95 %: {_between(figures.interval)}; {figures.speakers} speakers"
        found.append(Headline("closed-set accuracy", f"{percent(figures.accuracy)} %", note))
        found.append(
            Headline(
                "latency P99", f"{known.latency.p99:.1f} ms", f"P50 {known.latency.p50:.1f} ms, {known.latency.seconds:g} s clip"
            )
        )
    return [*found, Headline("model", f"{evaluation.size / 1e6:.1f} MB", "all graphs, weights included")]


def _timelines(heard: Diarized) -> list[Timeline]:
    """Of the best file and of the worst."""
    scored = sorted(
        (pair for pair in zip(heard.strict.files, heard.heard, strict=True) if pair[0].der is not None),
        key=lambda pair: pair[0].der or 0.0,
    )
    best = scored[:BEST]
    worst = scored[max(BEST, len(scored) - WORST) :][::-1]
    chosen = [(*pair, "best") for pair in best] + [(*pair, "worst") for pair in worst]
    return [Timeline(score, kind, _timeline(each)) for score, each, kind in chosen]


def _timeline(heard: Heard) -> Markup:
    panels = {"reference": heard.reference, "found": heard.hypothesis}
    people = same_people(heard.reference, heard.hypothesis)
    return inline(pictures.timeline(panels, dict(zip(panels, people, strict=True)), heard.seconds))


def _voices(results: Sequence[Verification]) -> VoicesSection:
    corpora = dict.fromkeys(each.corpus for each in results)
    det, histograms = {}, {}
    for corpus in corpora:
        mine = [each for each in results if each.corpus == corpus]
        curves = {_clip(each): pictures.Det(each.curve, str(each.seconds), each.scores) for each in mine}
        det[corpus] = inline(pictures.det_curves(curves))
        for each in mine:
            if each.seconds in (2.0, None):
                histograms[f"{corpus or 'all'}, {_clip(each)}"] = inline(pictures.histogram(each.histogram, each.scores))
    return VoicesSection(det, histograms)


def _clip(each: Verification) -> str:
    return f"{'whole' if each.seconds is None else f'{each.seconds:g} s'}, {each.scores}"


def _speakers(known: ClosedSet) -> SpeakersSection:
    heard = Counter[str]()
    for each in known.confusions:
        heard[each.speaker] += each.utterances
    wrong = [each for each in known.confusions if each.speaker != each.guessed]
    confused = sorted(wrong, key=lambda each: (-each.utterances, each.speaker, each.guessed))[:CONFUSED]
    f1 = sorted(((name, value, heard[name]) for name, value in known.f1.items()), key=lambda row: (row[1], row[0]))
    return SpeakersSection(inline(pictures.confusion_matrix(known.confusions)), tuple(confused), tuple(f1))


def _between(interval: Interval | None) -> str:
    return "–" if interval is None else f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _value(measured: Measured) -> str:
    """A measured value with its unit."""
    if measured.value is None:
        return "–"
    digits = 3 if not measured.criterion.unit else 2 if measured.value < 10 else 1
    return f"{measured.value:.{digits}f} {measured.criterion.unit}".strip()
