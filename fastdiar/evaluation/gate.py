"""Does an exported model still diarize as the network did that it was made from: what users feel, not how close numbers are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import attrs
import numpy as np

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError, ModelError
from fastdiar.core.excerpts import evenly
from fastdiar.core.parity import Parity
from fastdiar.core.types import RATE, Recording
from fastdiar.diarization.model import Model
from fastdiar.diarization.plda import known_voices
from fastdiar.evaluation.detection import Trials, rates
from fastdiar.evaluation.diarization import Pair, pooled, score
from fastdiar.evaluation.evaluation import Data
from fastdiar.evaluation.recordings import Whole, diarized, recordings

REPORT = "gate.json"
LIMITS = {"fp32": 0.01, "fp16": 0.1, "int8": 0.3}
"""Points of DER (hundredths) that an export may lose at most."""
APART = {"fp32": 1e-3, "fp16": 2e-2, "int8": 0.2}
"""From this share of its largest number on, a stage is said to differ."""
MOST = 40
"""Recordings; of more, so many are taken, evenly."""
MOST_WINDOWS = 1000


@attrs.frozen
class Comparison:
    """A network and what was exported from it on the same recordings of `data`: DER and EER (0…1) of both, the network's first.

    `agreement` is the share of the speech found in which both name the same people; `eer` is that of telling the windows of
    two people apart, None where fewer than two are known.
    """

    data: str
    recordings: int
    seconds: float
    der: tuple[float, float]
    agreement: float
    eer: tuple[float, float] | None


@attrs.frozen
class Gate:
    """What was checked of an export, and what came out; `comparison` is None where there was nothing to diarize."""

    precision: str
    graphs: Mapping[str, Parity]
    comparison: Comparison | None = None

    @property
    def limit(self) -> float:
        """Points of DER that may be lost."""
        return LIMITS[self.precision]

    def check(self) -> None:
        """Raise `ModelError` where too much was lost."""
        if self.comparison is None:
            return
        before, after = (100 * der for der in self.comparison.der)
        if not after - before <= self.limit:
            raise ModelError(
                f"{self.precision} loses {after - before:.2f} points of DER ({before:.2f} → {after:.2f} %; recordings: "
                f"{self.comparison.recordings}), more than {self.limit:g}: nothing was exported{self._where()}"
            )

    def to_json(self) -> str:
        """The report that lies beside the graphs."""
        graphs = {name: {"differs": parity.outputs, "first_apart": self._apart(parity)} for name, parity in self.graphs.items()}
        return json.dumps({**attrs.asdict(self), "limit": self.limit, "graphs": graphs}, indent=1) + "\n"

    def __str__(self) -> str:
        if self.comparison is None:
            return "gate: DER not checked, for want of recordings of several people: give some, with RTTM files, with --gate"
        before, after = (100 * der for der in self.comparison.der)
        eer = (
            "" if self.comparison.eer is None else " EER {:.2f} → {:.2f} %,".format(*(100 * each for each in self.comparison.eer))
        )
        return (
            f"gate: DER {before:.2f} → {after:.2f} % (may lose {self.limit:g} points),{eer} the same people in "
            f"{100 * self.comparison.agreement:.2f} % of the speech; {self.comparison.data}: {self.comparison.recordings} "
            f"recordings, {self.comparison.seconds / 60:.1f} min"
        )

    def _where(self) -> str:
        for graph, parity in self.graphs.items():
            if (stage := self._apart(parity)) is not None:
                return f"; the first stage that differs is {stage} of {graph}, by {100 * parity.stages[stage]:.1f} %"
        return "; no single stage differs much"

    def _apart(self, parity: Parity) -> str | None:
        return parity.first_apart(APART[self.precision])


def compare(network: Model, exported: Model, data: Data) -> Comparison:
    """Diarize recordings with both; raises `DataError` where none can be read, or nobody knows who speaks when."""
    if not data.tells_turns:
        raise DataError(f"{data.name}: does not tell who speaks when: the gate needs recordings with turns")
    dataset, chosen = data.dataset, _some(data.entries)
    before, after = (diarized(model, dataset, chosen) for model in (network, exported))
    pairs = [
        Pair(one.uri, one.hypothesis, other.hypothesis, one.uem) for one, other in zip(before.heard, after.heard, strict=True)
    ]
    apart = pooled([score(pair) for pair in pairs]).der or 0.0
    der = tuple(result.strict.pooled.der or 0.0 for result in (before, after))
    readable = {one.uri for one in before.heard}
    found = [whole for whole in recordings(chosen) if whole.entry.key in readable]
    eer = tuple(_eer(model, dataset, found) for model in (network, exported))
    return Comparison(
        data=data.name,
        recordings=len(before.heard),
        seconds=sum(one.seconds for one in before.heard),
        der=der,
        agreement=1 - apart,
        eer=None if None in eer else eer,
    )


def _some(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of at most `MOST` recordings."""
    names = list(dict.fromkeys((entry.labels.get("session", entry.key), entry.path) for entry in entries))
    kept = set(evenly(names, MOST))
    return [entry for entry in entries if (entry.labels.get("session", entry.key), entry.path) in kept]


def _eer(model: Model, dataset: Dataset, found: Sequence[Whole]) -> float | None:
    """Of all pairs of windows of one recording in which one known person speaks."""
    vectors, names, places = [], [], []
    for number, whole in enumerate(found):
        recording = Recording(samples=dataset.load(whole.entry), rate=RATE)
        for vector, name in known_voices(model, recording, dataset.turns(whole.entry) or ()):
            vectors.append(vector)
            names.append(name)
            places.append(number)
    chosen = evenly(range(len(names)), MOST_WINDOWS)
    kept, people, place = (np.array(each)[chosen] for each in (vectors, names, places))
    one, other = np.triu_indices(len(chosen), 1)
    one, other = (side[place[one] == place[other]] for side in (one, other))
    same = people[one] == people[other]
    if same.all() or not same.any():
        return None
    speakers = np.unique(people, return_inverse=True)[1]
    return rates(Trials((kept[one] * kept[other]).sum(axis=1), same, np.stack((speakers[one], speakers[other]), axis=1))).eer
