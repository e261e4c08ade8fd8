"""An analysis of errors as one HTML page, with what can be heard of the worst stretches inside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence

import attrs
import numpy as np
import soundfile
from markupsafe import Markup

from fastdiar.core.sessions import clipped
from fastdiar.core.types import RATE
from fastdiar.evaluation.analysis import KINDS, Analysis, Stretch
from fastdiar.evaluation.diarization import Pair, same_people
from fastdiar.evaluation.report import pictures
from fastdiar.evaluation.report.templates import inline, template_of

Sound = Callable[[str, float, float], np.ndarray | None]
"""Gives the samples `[samples]` at 16 kHz of a recording, by its uri, from a time on, so many seconds; None where it cannot."""


@attrs.frozen
class ShownStretch:
    """A worst stretch: the reference over what was found, and its sound (MP3, base64)."""

    stretch: Stretch
    picture: Markup
    sound: str | None


def analysis_page(title: str, analysis: Analysis, pairs: Sequence[Pair], sound: Sound) -> str:
    """The whole page."""
    by_uri = {pair.uri: pair for pair in pairs}
    with pictures.style():
        stretches = [_shown(each, by_uri[each.uri], sound) for each in analysis.worst]
        return template_of("analysis.html").render(
            title=title, analysis=analysis, count=len(pairs), meanings=KINDS, stretches=stretches
        )


def _shown(stretch: Stretch, pair: Pair, sound: Sound) -> ShownStretch:
    both = {"reference": pair.reference, "found": pair.hypothesis}
    panels = {name: clipped(turns, stretch.start, stretch.end) for name, turns in both.items()}
    people = dict(zip(panels, same_people(pair.reference, pair.hypothesis), strict=True))
    length = stretch.end - stretch.start
    samples = sound(pair.uri, stretch.start, length)
    return ShownStretch(stretch, inline(pictures.timeline(panels, people, length)), None if samples is None else _mp3(samples))


def _mp3(samples: np.ndarray) -> str:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="MP3")
    return base64.b64encode(file.getvalue()).decode("ascii")
