"""Turns as objects of other libraries, and back: pyannote.core's annotations, lhotse's supervisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastdiar.core.errors import FormatError, needs
from fastdiar.core.types import Diarization, Turn

if TYPE_CHECKING:
    from lhotse import SupervisionSet
    from pyannote.core import Annotation


def to_annotation(diarization: Diarization) -> Annotation:
    """The turns as a `pyannote.core.Annotation`; raises `MissingExtra` without it."""
    with needs("score", "Annotation"):
        from pyannote.core import Annotation, Segment
    annotation = Annotation(uri=diarization.uri)
    for number, turn in enumerate(diarization.turns):
        annotation[Segment(turn.start, turn.end), number] = turn.speaker
    return annotation


def from_annotation(annotation: Annotation) -> Diarization:
    """The tracks of a `pyannote.core.Annotation` as turns, their labels as text; raises `FormatError` for a time below 0."""
    uri = str(annotation.uri or "recording")
    tracks = annotation.itertracks(yield_label=True)
    return Diarization(uri, tuple(_turn(uri, segment.start, segment.end, str(label)) for segment, _, label in tracks))


def to_supervisions(diarization: Diarization) -> SupervisionSet:
    """The turns as a `lhotse.SupervisionSet`; raises `MissingExtra` without it."""
    with needs("data", "SupervisionSet"):
        from lhotse import SupervisionSegment, SupervisionSet
    return SupervisionSet.from_segments(
        SupervisionSegment(
            id=f"{diarization.uri}-{number:05}",
            recording_id=diarization.uri,
            start=turn.start,
            duration=turn.duration,
            speaker=turn.speaker,
            custom=None if turn.confidence is None else {"confidence": turn.confidence},
        )
        for number, turn in enumerate(diarization.turns)
    )


def from_supervisions(supervisions: SupervisionSet) -> list[Diarization]:
    """The turns of a `lhotse.SupervisionSet`, a recording each; raises `FormatError` where one names no speaker."""
    turns: dict[str, list[Turn]] = {}
    for each in supervisions:
        if each.speaker is None:
            raise FormatError(f"supervision '{each.id}': names no speaker")
        sure = (each.custom or {}).get("confidence")
        turn = _turn(f"supervision '{each.id}'", each.start, each.end, each.speaker, sure)
        turns.setdefault(each.recording_id, []).append(turn)
    return [Diarization(uri, tuple(spoken)) for uri, spoken in turns.items()]


def _turn(place: str, start: float, end: float, speaker: str, confidence: float | None = None) -> Turn:
    if not 0 <= start < end:
        raise FormatError(f"{place}: a turn from {start:g} s to {end:g} s: expected a start of 0 or more, and an end after it")
    return Turn(start, end, speaker, confidence)
