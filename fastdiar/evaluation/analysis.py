"""Where a diarization goes wrong: every second of error has one kind, and the worst stretches are found."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import attrs
import numpy as np

from fastdiar.core.types import Turn
from fastdiar.evaluation.diarization import Pair, mapping

SHORT = 1.0
"""Seconds; a shorter turn is a short one."""
BETWEEN = 0.5
"""A short turn so near (seconds) to another's speech on both sides, or in it, is a backchannel."""
EDGE = 0.25
"""Seconds; an error whose middle is so near a turn's beginning or end is one of its edge, where references differ too."""
STRETCH, WORST = 10.0, 20
"""Seconds of a worst stretch, and how many are named."""
KINDS = {
    "missed": {
        "backchannel": f"a turn below {SHORT:g} s in or between another's speech",
        "overlap": "the second of two who speak at once",
        "short turn": f"any other turn below {SHORT:g} s",
        "edge of a turn": f"around {EDGE:g} s or less from its beginning or end",
        "inside a turn": "speech that was not heard as such",
    },
    "false alarm": {
        "overlap": "a second person where one speaks",
        "edge of a turn": f"around {EDGE:g} s or less from speech",
        "no speech": "somebody where nobody speaks",
    },
    "confusion": {
        "too many people": "given to somebody who is nobody in the reference: one person in two",
        "too few people": "of somebody who was not found: two people in one",
        "overlap": "the wrong one of two who speak at once",
        "backchannel": f"a turn below {SHORT:g} s in or between another's speech",
        "short turn": f"any other turn below {SHORT:g} s",
        "edge of a turn": f"around {EDGE:g} s or less from its beginning or end: the change came early or late",
        "similar voices": "of somebody who was found, given to another who was found",
    },
}
"""The kinds of each error; of several that fit, the first counts."""


@attrs.frozen
class Kind:
    """Seconds of speaker time that were wrong in one way."""

    error: str
    kind: str
    seconds: float


@attrs.frozen
class Confused:
    """One person of a recording taken for another for so many seconds; `taken_for` is who that truly is, None if nobody."""

    uri: str
    speaker: str
    taken_for: str | None
    seconds: float


@attrs.frozen
class Stretch:
    """A part of a recording, the seconds of speaker time that are wrong in it, and what kinds make the most of them."""

    uri: str
    start: float
    end: float
    seconds: float
    kinds: tuple[str, ...]


@attrs.frozen
class Analysis:
    """Errors by kind, as `KINDS` lists them, and seconds of `speech` in the reference.

    `confused` are the pairs of people with the most confusion, `worst` the stretches with the most errors; `too_few`, `right` and
    `too_many` count recordings by the number of people found.
    """

    kinds: tuple[Kind, ...]
    speech: float
    confused: tuple[Confused, ...]
    worst: tuple[Stretch, ...]
    too_few: int
    right: int
    too_many: int

    @property
    def seconds(self) -> float:
        """Of all errors."""
        return sum(each.seconds for each in self.kinds)


def analyze(pairs: Sequence[Pair]) -> Analysis:
    """Errors of recordings, at collar 0 with overlap scored: their sum over `speech` is the strict DER. Raises `MissingExtra`."""
    pieces = [piece for pair in pairs for piece in _pieces(pair)]
    found = Counter[tuple[str, str]]()
    confused = Counter[tuple[str, str, str | None]]()
    for piece in pieces:
        found[piece.error, piece.kind] += piece.seconds  # type: ignore[assignment]
        if piece.error == "confusion":
            confused[piece.uri, piece.speaker, piece.taken_for] += piece.seconds  # type: ignore[assignment]
    counts = [len({turn.speaker for turn in pair.hypothesis}) - len({turn.speaker for turn in pair.reference}) for pair in pairs]
    return Analysis(
        tuple(Kind(error, kind, found[error, kind]) for error, kinds in KINDS.items() for kind in kinds),
        sum(_speech(pair) for pair in pairs),
        tuple(Confused(*who, seconds) for who, seconds in confused.most_common(WORST)),
        tuple(_worst(pieces)),
        too_few=sum(count < 0 for count in counts),
        right=counts.count(0),
        too_many=sum(count > 0 for count in counts),
    )


@attrs.frozen
class _Piece:
    """A stretch of one error of one person."""

    uri: str
    start: float
    end: float
    error: str
    kind: str
    speaker: str = ""
    taken_for: str | None = None

    @property
    def seconds(self) -> float:
        return self.end - self.start


@attrs.frozen(eq=False)
class _Moment:
    """Between two boundaries of turns nothing changes: the turns of the reference, and the people of the hypothesis."""

    start: float
    end: float
    truth: Mapping[str, Turn]
    found: frozenset[str]


def _pieces(pair: Pair) -> Iterator[_Piece]:
    who = mapping(pair)  # of the hypothesis → of the reference
    edges = sorted({edge for turn in pair.reference for edge in (turn.start, turn.end)})
    for moment in _moments(pair):
        right = {name for name in moment.found if who.get(name) in moment.truth}
        unfound = sorted(set(moment.truth) - {who[name] for name in right}, key=lambda name: -moment.truth[name].duration)
        wrong = sorted(moment.found - right)
        here = (pair.uri, moment.start, moment.end)
        confused = min(len(unfound), len(wrong))
        for name, other in zip(unfound, wrong, strict=False):
            kind = _confusion(pair, moment, name, who.get(other), set(who.values()), edges)
            yield _Piece(*here, "confusion", kind, name, who.get(other))
        for place, name in enumerate(unfound[confused:]):
            alone = not moment.found and place == 0
            yield _Piece(*here, "missed", _missed(pair, moment, name, alone, edges), name)
        for _ in wrong[confused:]:
            yield _Piece(*here, "false alarm", _false_alarm(moment, edges))


def _moments(pair: Pair) -> Iterator[_Moment]:
    """Everything that is scored, cut wherever something begins or ends."""
    last = max((turn.end for turn in (*pair.reference, *pair.hypothesis)), default=0.0)
    scored = list(pair.uem or [(0.0, last)])
    times = sorted(
        {
            *(edge for turn in (*pair.reference, *pair.hypothesis) for edge in (turn.start, turn.end)),
            *(edge for stretch in scored for edge in stretch),
        }
    )
    starting = defaultdict(list)
    for turn in sorted({*pair.reference}):
        starting[turn.start].append((turn, True))
    for turn in sorted({*pair.hypothesis}):
        starting[turn.start].append((turn, False))
    speaking: list[tuple[Turn, bool]] = []
    for start, end in pairwise(times):
        speaking = [each for each in (*speaking, *starting[start]) if each[0].end > start]
        if any(first <= start and end <= until for first, until in scored):
            truth = {turn.speaker: turn for turn, true in speaking if true}
            yield _Moment(start, end, truth, frozenset(turn.speaker for turn, true in speaking if not true))


def _confusion(pair: Pair, moment: _Moment, name: str, other: str | None, matched: set[str], edges: Sequence[float]) -> str:
    if other is None:
        return "too many people"
    if name not in matched:
        return "too few people"
    if len(moment.truth) > 1:
        return "overlap"
    turn = moment.truth[name]
    if turn.duration < SHORT:
        return "backchannel" if _is_backchannel(pair, turn) else "short turn"
    return "edge of a turn" if _near(moment, edges) else "similar voices"


def _missed(pair: Pair, moment: _Moment, name: str, alone: bool, edges: Sequence[float]) -> str:
    turn = moment.truth[name]
    if turn.duration < SHORT and _is_backchannel(pair, turn):
        return "backchannel"
    if not alone:
        return "overlap"
    if turn.duration < SHORT:
        return "short turn"
    return "edge of a turn" if _near(moment, edges) else "inside a turn"


def _false_alarm(moment: _Moment, edges: Sequence[float]) -> str:
    if moment.truth:
        return "overlap"
    return "edge of a turn" if _near(moment, edges) else "no speech"


def _is_backchannel(pair: Pair, turn: Turn) -> bool:
    """Whether another speaks before and after a turn, and not much longer before and after."""
    others = [other for other in pair.reference if other.speaker != turn.speaker]
    before = {other.speaker for other in others if other.start < turn.start <= other.end + BETWEEN}
    after = {other.speaker for other in others if other.start - BETWEEN <= turn.end < other.end}
    return bool(before & after)


def _near(moment: _Moment, edges: Sequence[float]) -> bool:
    """Whether the middle of a moment lies near a beginning or an end in the reference."""
    middle = (moment.start + moment.end) / 2
    place = bisect_left(edges, middle)
    return any(abs(edge - middle) <= EDGE for edge in edges[max(0, place - 1) : place + 1])


def _speech(pair: Pair) -> float:
    return sum((moment.end - moment.start) * len(moment.truth) for moment in _moments(pair))


def _worst(pieces: Sequence[_Piece]) -> Iterator[Stretch]:
    """The stretches with the most errors, none in another."""
    by_uri = defaultdict(list)
    for piece in pieces:
        by_uri[piece.uri].append(piece)
    candidates = []
    for uri, mine in by_uri.items():
        mine.sort(key=lambda piece: piece.start)
        starts, ends, seconds = (np.array([getattr(piece, part) for piece in mine]) for part in ("start", "end", "seconds"))
        for start in np.unique(starts):
            shares = np.clip(np.minimum(ends, start + STRETCH) - np.maximum(starts, start), 0, seconds)
            candidates.append((float(shares.sum()), uri, float(start), shares))
    taken: list[tuple[str, float]] = []
    for seconds_wrong, uri, start, shares in sorted(candidates, key=lambda each: (-each[0], each[1:3])):
        if len(taken) == WORST:
            return
        if all(uri != other or abs(start - place) >= STRETCH for other, place in taken):
            taken.append((uri, start))
            kinds = Counter[str]()
            for piece, share in zip(by_uri[uri], shares, strict=True):
                kinds[f"{piece.error}: {piece.kind}"] += float(share)  # type: ignore[assignment]
            end = min(start + STRETCH, max(piece.end for piece in by_uri[uri]))
            yield Stretch(uri, start, end, seconds_wrong, tuple(name for name, _ in kinds.most_common(2)))
