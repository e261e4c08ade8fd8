"""Are two clips one voice: error rates on pairs of clips, at several lengths, from cosines or normalised scores.

AS-norm: Matějka et al., Analysis of Score Normalization in Multilingual Speaker Recognition, Interspeech 2017.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import attrs
import numpy as np

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError, nearest
from fastdiar.core.excerpts import middle
from fastdiar.core.formats import Trial
from fastdiar.core.types import RATE
from fastdiar.diarization.model import Model
from fastdiar.evaluation.detection import Rates, Trials, eer_interval, rates
from fastdiar.evaluation.intervals import Interval

CROPS = (1.0, 2.0, 3.0, None)
"""Seconds from the middle of each utterance; None hears all of it."""
SHORTEST = 0.5
"""Seconds that a clip needs to take part."""
FEWEST = 8
"""Speakers that a corpus needs to give a figure."""
MOST = 100_000
"""Pairs of each sort: of more, so many are drawn."""
COHORT_SPEAKERS, COHORT_UTTERANCES, COHORT_SECONDS, COHORT_TOP = 1000, 3, 10.0, 200
"""The cohort has so many speakers at most, each the mean of so many utterances of so many seconds; a clip's nearest count."""
CURVE, BINS = 200, 60
TOGETHER = "together"
"""The name under which the pairs of several corpora are counted as one list; no pair is of two corpora."""


@attrs.frozen
class Histogram:
    """Shares of the trials of one voice, and of two, whose scores lie between `edges` (one more than the shares)."""

    edges: tuple[float, ...]
    same: tuple[float, ...]
    different: tuple[float, ...]


@attrs.frozen
class Verification:
    """Errors (0…1) over so many trials of one voice and of two, among so many speakers of a corpus.

    `seconds` were heard of each clip, None for all of it; `scores` is "cosine" or "as-norm". `interval` is the EER's, by speaker.
    `min_dcf_01` and `min_dcf_05` take one of a hundred, and five, for true. `curve` are (accepted, missed) from the strictest
    threshold to the laxest.
    """

    corpus: str
    seconds: float | None
    scores: str
    speakers: int
    same: int
    different: int
    eer: float
    interval: Interval | None
    min_dcf_01: float
    min_dcf_05: float
    curve: tuple[tuple[float, float], ...] = attrs.field(repr=False)
    histogram: Histogram = attrs.field(repr=False)


@attrs.frozen(eq=False)
class Cohort:
    """Voices that nobody is compared with, to set scores against: utterances with a `speaker`."""

    dataset: Dataset
    entries: Sequence[Entry]


def verification(
    model: Model,
    dataset: Dataset,
    entries: Sequence[Entry],
    crops: Sequence[float | None] = CROPS,
    trials: Sequence[Trial] | None = None,
    cohort: Cohort | None = None,
    seed: int = 0,
    heard: Callable[[int], Any] = lambda done: None,
) -> tuple[Verification, ...]:
    """By corpus of at least eight speakers, then by crop: all pairs of clips within it, or those of a list of `trials`.

    Of several corpora, all their pairs together come last. A shorter utterance is heard whole. Pairs of one voice come from
    different sessions where the speaker has several. With a `cohort`, normalised scores follow the cosines. Raises `DataError`
    where no corpus will do or a trial's clip is not there.
    """
    groups = _corpora(entries) if trials is None else _listed(entries, trials)
    backdrop = None if cohort is None else _cohort_vectors(model, cohort, seed)
    compared: dict[str, tuple[_Pairs, np.ndarray]] = {}  # vectors [clips, crops, dim]
    done = 0
    for corpus, of_one in groups.items():
        voices, vectors = [], []
        for entry in of_one:
            found = _vectors(model, dataset, entry, crops)
            done += 1
            heard(done)
            if found is not None:
                voices.append(entry)
                vectors.append(found)
        pairs = _pairs(voices, seed) if trials is None else _pairs_of(trials, voices)
        if pairs.same.any() and not pairs.same.all():
            compared[corpus] = pairs, np.array(vectors)
    if not compared:
        raise DataError("verification: no clips that can be read make pairs of one voice and of two")
    if len(compared) > 1:
        compared[TOGETHER] = _together(list(compared.values()))
    return tuple(
        result
        for corpus, (pairs, vectors) in compared.items()
        for place, seconds in enumerate(crops)
        for result in _results(corpus, seconds, pairs, vectors[:, place], backdrop)
    )


def _corpora(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Entries by corpus, by name; those of too few speakers left out."""
    corpora: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.labels.get("speaker"):
            corpora[entry.labels.get("corpus", "")].append(entry)
    speakers = {name: {entry.labels["speaker"] for entry in of_one} for name, of_one in corpora.items()}
    enough = {name: corpora[name] for name in sorted(corpora) if len(speakers[name]) >= FEWEST}
    if not enough:
        raise DataError(f"verification needs a corpus of at least {FEWEST} speakers")
    return enough


def _listed(entries: Sequence[Entry], trials: Sequence[Trial]) -> dict[str, list[Entry]]:
    """The entries that a list of trials names, in its order, as one corpus."""
    known = {_name(entry.key): entry for entry in entries}
    names = dict.fromkeys(name for trial in trials for name in (trial.one, trial.other))
    for name in names:
        if _name(name) not in known:
            raise DataError(f"trials: no utterance '{name}' in the data{nearest(name, [entry.key for entry in entries[:1000]])}")
    return {"trials": list({_name(name): known[_name(name)] for name in names}.values())}


def _name(path: str) -> str:
    """What a list and a dataset call the same recording, whatever it is stored as."""
    return PurePosixPath(path).with_suffix("").as_posix()


def _vectors(model: Model, dataset: Dataset, entry: Entry, crops: Sequence[float | None]) -> list[np.ndarray] | None:
    """The voice `[dim]` at each crop; None where the utterance cannot be read or is too short."""
    try:
        samples = dataset.load(entry)
    except AudioError:
        return None
    if len(samples) < SHORTEST * RATE:
        return None
    return [model.voice(samples if seconds is None else middle(samples, seconds)) for seconds in crops]


def _cohort_vectors(model: Model, cohort: Cohort, seed: int) -> np.ndarray:
    """One unit vector a speaker, `[speakers, dim]`."""
    speakers: dict[str, list[Entry]] = defaultdict(list)
    for entry in cohort.entries:
        if entry.labels.get("speaker"):
            speakers[entry.labels["speaker"]].append(entry)
    random, means = np.random.default_rng(seed), []
    for name in random.permutation(sorted(speakers))[:COHORT_SPEAKERS]:
        chosen = (speakers[name][place] for place in random.permutation(len(speakers[name]))[:COHORT_UTTERANCES])
        found = [_vectors(model, cohort.dataset, entry, [COHORT_SECONDS]) for entry in chosen]
        mean = np.sum([vectors[0] for vectors in found if vectors is not None], axis=0)
        if np.any(mean):
            means.append(mean / np.linalg.norm(mean))
    if len(means) < FEWEST:
        raise DataError(f"score normalisation needs a cohort of at least {FEWEST} speakers that can be heard, found {len(means)}")
    return np.array(means)


@attrs.frozen(eq=False)
class _Pairs:
    """Which clips are compared, int `[pairs, 2]`; bool `[pairs]` whether they are one voice; whose they are, int `[pairs, 2]`."""

    clips: np.ndarray
    same: np.ndarray
    speakers: np.ndarray


def _pairs(voices: Sequence[Entry], seed: int) -> _Pairs:
    """All pairs of one speaker, and all of two, or as many of each as are drawn."""
    random = np.random.default_rng(seed)
    _, speaker = np.unique([voice.labels["speaker"] for voice in voices], return_inverse=True)
    _, session = np.unique([voice.labels.get("session", "") for voice in voices], return_inverse=True)
    same = np.concatenate([np.empty((0, 2), int), *_same(speaker, session)])
    few = len(voices) ** 2 < 20 * MOST
    one, other = np.triu_indices(len(voices), 1) if few else random.integers(len(voices), size=(2, 2 * MOST))
    different = np.stack((one, other), axis=1)[speaker[one] != speaker[other]]
    same, different = (pairs[random.permutation(len(pairs))[:MOST]] for pairs in (same, different))
    clips = np.concatenate((same, different))
    return _Pairs(clips, np.arange(len(clips)) < len(same), speaker[clips])


def _same(speaker: np.ndarray, session: np.ndarray) -> Iterator[np.ndarray]:
    """Each speaker's pairs `[pairs, 2]`: from different sessions where there are several."""
    for number in np.unique(speaker):
        mine = np.flatnonzero(speaker == number)
        pairs = mine[np.stack(np.triu_indices(len(mine), 1), axis=1)]
        apart = session[pairs[:, 0]] != session[pairs[:, 1]]
        yield pairs[apart] if apart.any() else pairs


def _pairs_of(trials: Sequence[Trial], voices: Sequence[Entry]) -> _Pairs:
    """A list's pairs, without those whose clips could not be heard."""
    place = {_name(voice.key): number for number, voice in enumerate(voices)}
    _, speaker = np.unique([voice.labels.get("speaker", voice.key) for voice in voices], return_inverse=True)
    heard = [(trial, place.get(_name(trial.one)), place.get(_name(trial.other))) for trial in trials]
    kept = [(trial.same, one, other) for trial, one, other in heard if one is not None and other is not None]
    clips = np.array([[one, other] for _, one, other in kept], int).reshape(-1, 2)
    return _Pairs(clips, np.array([same for same, _, _ in kept], bool), speaker[clips])


def _together(compared: Sequence[tuple[_Pairs, np.ndarray]]) -> tuple[_Pairs, np.ndarray]:
    """Several corpora's pairs and vectors as one's."""
    clips = np.cumsum([0, *(len(vectors) for _, vectors in compared)])
    speakers = np.cumsum([0, *(pairs.speakers.max() + 1 for pairs, _ in compared)])
    pairs = _Pairs(
        np.concatenate([pairs.clips + first for (pairs, _), first in zip(compared, clips[:-1], strict=True)]),
        np.concatenate([pairs.same for pairs, _ in compared]),
        np.concatenate([pairs.speakers + first for (pairs, _), first in zip(compared, speakers[:-1], strict=True)]),
    )
    return pairs, np.concatenate([vectors for _, vectors in compared])


def _results(
    corpus: str, seconds: float | None, pairs: _Pairs, vectors: np.ndarray, backdrop: np.ndarray | None
) -> Iterator[Verification]:
    cosines = np.sum(vectors[pairs.clips[:, 0]] * vectors[pairs.clips[:, 1]], axis=1)
    by_kind: Mapping[str, np.ndarray] = {"cosine": cosines}
    if backdrop is not None:
        by_kind = {**by_kind, "as-norm": _normalised(cosines, pairs.clips, vectors, backdrop)}
    for kind, scores in by_kind.items():
        trials = Trials(scores, pairs.same, pairs.speakers)
        errors = rates(trials)
        yield Verification(
            corpus,
            seconds,
            kind,
            speakers=len(np.unique(pairs.speakers)),
            same=int(pairs.same.sum()),
            different=int((~pairs.same).sum()),
            eer=errors.eer,
            interval=eer_interval(trials),
            min_dcf_01=errors.min_dcf(0.01),
            min_dcf_05=errors.min_dcf(0.05),
            curve=_curve(errors),
            histogram=_histogram(trials),
        )


def _normalised(cosines: np.ndarray, clips: np.ndarray, vectors: np.ndarray, backdrop: np.ndarray) -> np.ndarray:
    """Each score against those of its two clips with the cohort voices nearest to them: the mean of both z-scores."""
    nearest_scores = np.sort(vectors @ backdrop.T, axis=1)[:, -COHORT_TOP:]  # [clips, nearest]
    mean, deviation = nearest_scores.mean(axis=1), np.maximum(nearest_scores.std(axis=1), 1e-6)
    return ((cosines[:, None] - mean[clips]) / deviation[clips]).mean(axis=1)


def _curve(errors: Rates) -> tuple[tuple[float, float], ...]:
    """A DET curve of few enough points to be drawn, evenly spaced on its own axes."""
    accepted, missed = errors.accepted[::-1], errors.missed[::-1]
    travelled = np.cumsum(np.abs(np.diff(_stretched(accepted), prepend=-9)) + np.abs(np.diff(_stretched(missed), prepend=9)))
    kept = np.unique(np.searchsorted(travelled, np.linspace(travelled[0], travelled[-1], CURVE)))
    return tuple((round(float(accepted[place]), 6), round(float(missed[place]), 6)) for place in kept)


def _stretched(shares: np.ndarray) -> np.ndarray:
    """As a DET curve's axes stretch them, nearly: log-odds, bounded."""
    bounded = np.clip(shares, 1e-4, 1 - 1e-4)
    return np.log(bounded / (1 - bounded))


def _histogram(trials: Trials) -> Histogram:
    edges = np.histogram_bin_edges(trials.scores, BINS)
    same, different = (np.histogram(trials.scores[of_sort], edges)[0] / of_sort.sum() for of_sort in (trials.same, ~trials.same))
    same, different = (tuple(round(float(share), 6) for share in shares) for shares in (same, different))
    return Histogram(tuple(round(float(edge), 6) for edge in edges), same, different)
