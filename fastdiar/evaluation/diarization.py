"""Diarization error rate and Jaccard error rate of turns against a reference, through pyannote.metrics.

DER = (missed + false alarm + confusion) / reference speech, in seconds of speaker time (NIST RT-09). JER: Ryant et al., The
Second DIHARD Diarization Challenge, Interspeech 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from fastdiar.core.errors import FormatError, MissingExtra
from fastdiar.core.formats import read_turns, read_uem
from fastdiar.core.types import Turn

if TYPE_CHECKING:
    from pyannote.core import Annotation, Timeline


ONE_FOR_ALL = "a UEM must name every recording, or some are scored in part and others whole"


@attrs.frozen
class Conditions:
    """How turns are scored: `collar` is the total width (seconds) around each reference boundary that is not scored.

    A collar of 0.5 here is what others write as ±0.25 s.
    """

    collar: float = 0.0
    skip_overlap: bool = False

    def __str__(self) -> str:
        return f"collar {self.collar:g} s (±{self.collar / 2:g} s), overlap {'not scored' if self.skip_overlap else 'scored'}"


STRICT = Conditions()
LENIENT = Conditions(collar=0.5, skip_overlap=True)


@attrs.frozen
class Score:
    """Errors of one recording or of several: seconds of speaker time, and how many people were there and were found.

    `jer` is a share of 1, averaged over recordings by their number of reference speakers; None where nobody speaks.
    """

    uri: str
    missed: float
    false_alarm: float
    confusion: float
    speech: float
    jer: float | None
    speakers: int
    found: int

    @property
    def der(self) -> float | None:
        """Diarization error rate as a share of 1; None where the reference holds no speech."""
        return (self.missed + self.false_alarm + self.confusion) / self.speech if self.speech else None


@attrs.frozen(eq=False)
class Pair:
    """One recording's reference and hypothesis, and the stretches that are scored."""

    uri: str
    reference: Sequence[Turn]
    hypothesis: Sequence[Turn]
    uem: Sequence[tuple[float, float]] | None = None


def score(pair: Pair, conditions: Conditions = STRICT) -> Score:
    """Score one recording; without a UEM, everything up to the last turn's end counts. Raises `MissingExtra`."""
    metrics = _metrics()
    uem = _timeline(pair)
    reference, hypothesis = (_annotation(turns) for turns in (pair.reference, pair.hypothesis))
    options = {"collar": conditions.collar, "skip_overlap": conditions.skip_overlap}
    parts = metrics.DiarizationErrorRate(**options)(reference, hypothesis, uem=uem, detailed=True)
    speakers, found = (len(turns.crop(uem).labels()) for turns in (reference, hypothesis))
    jer = metrics.JaccardErrorRate(**options)(reference, hypothesis, uem=uem) if speakers else None
    return Score(
        pair.uri,
        missed=parts["missed detection"],
        false_alarm=parts["false alarm"],
        confusion=parts["confusion"],
        speech=parts["total"],
        jer=None if jer is None else float(jer),
        speakers=speakers,
        found=found,
    )


def same_people(reference: Sequence[Turn], hypothesis: Sequence[Turn]) -> tuple[dict[str, int], dict[str, int]]:
    """A number for each speaker of the reference and of the hypothesis, equal where the best mapping takes them for one person.

    Numbers count from 0 in order of the reference's first words, then of the hypothesis' who are nobody there.
    """
    people = {name: number for number, name in enumerate(dict.fromkeys(turn.speaker for turn in sorted(reference)))}
    mapping = _metrics().DiarizationErrorRate().optimal_mapping(_annotation(reference), _annotation(hypothesis))
    found: dict[str, int] = {}
    for name in dict.fromkeys(turn.speaker for turn in sorted(hypothesis)):
        strangers = sum(number >= len(people) for number in found.values())
        found[name] = people[mapping[name]] if name in mapping else len(people) + strangers
    return people, found


def mapping(pair: Pair) -> dict[str, str]:
    """Who each speaker of the hypothesis is in the reference, by the best mapping, if anybody. Raises `MissingExtra`."""
    metric = _metrics().DiarizationErrorRate()
    found: dict[str, str] = metric.optimal_mapping(_annotation(pair.reference), _annotation(pair.hypothesis), uem=_timeline(pair))
    return found


def pooled(scores: Sequence[Score]) -> Score:
    """All recordings as one: their seconds of errors over their seconds of speech."""
    people = sum(one.speakers for one in scores)
    jer = sum(one.jer * one.speakers for one in scores if one.jer is not None) / people if people else None
    sums = {part: sum(getattr(one, part) for one in scores) for part in ("missed", "false_alarm", "confusion", "speech", "found")}
    return Score(f"all {len(scores)}", **sums, jer=jer, speakers=people)


def pairs(reference: Path, hypothesis: Path, uem: Path | None = None) -> list[Pair]:
    """What is to be scored: two files of turns of one recording, or two folders of RTTM files; raises `FormatError`.

    Files of one pair are taken as the same recording, whatever their uris. Files of two folders belong together when their
    stems are equal, or else when the one's is the longest of the other's dotted prefixes (EN2001a and EN2001a.Mix-Headset).
    `uem` is a file, or a folder whose files are matched alike.
    """
    if reference.is_dir() != hypothesis.is_dir():
        raise FormatError(f"{reference} and {hypothesis}: expected two files of turns, or two folders of RTTM files")
    if not reference.is_dir():
        turns, found = (_turns(path) for path in (reference, hypothesis))
        return [Pair(reference.stem, turns, found, _stretches(uem, reference.stem, alone=True))]
    found_files, known = ({path.stem: path for path in sorted(folder.glob("*.rttm"))} for folder in (hypothesis, reference))
    for folder, files in ((hypothesis, found_files), (reference, known)):
        if not files:
            raise FormatError(f"{folder}: holds no .rttm files")
    matched = {partner(stem, known, hypothesis): stem for stem in found_files}
    if len(matched) < len(found_files) or set(matched) != set(known):
        lonely = sorted(set(known) - set(matched)) or sorted(found_files)
        raise FormatError(f"{reference / lonely[0]}.rttm: has no partner of its own in {hypothesis}")
    return [
        Pair(stem, _turns(known[stem]), _turns(path), _stretches(uem, stem, alone=len(known) == 1))
        for stem, path in ((stem, found_files[matched[stem]]) for stem in sorted(known))
    ]


def partner(stem: str, known: Iterable[str], folder: Path) -> str:
    """The stem among `known` that names the same recording; raises `FormatError`."""
    close = _closest(stem, known)
    if close is None:
        raise FormatError(f"{folder / stem}.rttm: no file with that name, or a dotted prefix of it, among the references")
    return close


def _closest(stem: str, known: Iterable[str]) -> str | None:
    close = [name for name in known if name == stem or stem.startswith(f"{name}.") or name.startswith(f"{stem}.")]
    return stem if stem in close else max(close, key=len, default=None)


def _turns(path: Path) -> Sequence[Turn]:
    """Those of a file of one recording."""
    found = read_turns(path)
    if len(found) > 1:
        names = ", ".join(sorted(one.uri for one in found)[:3])
        raise FormatError(
            f"{path}: holds {len(found)} recordings ({names}…): expected one a file: fastdiar convert takes it apart"
        )
    return found[0].turns


def _stretches(uem: Path | None, stem: str, alone: bool) -> list[tuple[float, float]] | None:
    """What of a recording is scored; a file that is `alone`, or of its name, may call it as it likes."""
    if uem is None:
        return None
    if uem.is_dir():
        files = {path.stem: path for path in uem.glob("*.uem")}
        close = _closest(stem, files)
        if close is None:
            raise FormatError(f"{uem}: holds no {stem}.uem: {ONE_FOR_ALL}")
        uem, alone = files[close], True
    stretches = read_uem(uem)
    if alone and len(stretches) == 1:
        return next(iter(stretches.values()))
    close = _closest(stem, stretches)
    if close is None:
        raise FormatError(f"{uem}: says nothing of {stem}: {ONE_FOR_ALL}")
    return stretches[close]


def _timeline(pair: Pair) -> Timeline:
    from pyannote.core import Segment, Timeline

    last = max((turn.end for turn in (*pair.reference, *pair.hypothesis)), default=0.0)
    return Timeline([Segment(start, end) for start, end in (pair.uem or [(0.0, last)])]).support()


def _annotation(turns: Iterable[Turn]) -> Annotation:
    from pyannote.core import Annotation, Segment

    annotation = Annotation()
    for number, turn in enumerate(turns):
        annotation[Segment(turn.start, turn.end), number] = turn.speaker
    return annotation


def _metrics() -> Any:
    try:
        from pyannote.metrics import diarization
    except ImportError:
        raise MissingExtra("scoring", "score") from None
    return diarization
