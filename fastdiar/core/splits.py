"""Holding utterances of each speaker back, so that a closed set of speakers can be tested on speech it never heard."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Literal

import attrs
from attrs import field, validators

from fastdiar.core.dataset import Entry

FEWEST = 3
"""Speakers with fewer utterances only train: there is nothing to spare."""

SHARE: Any = [validators.ge(0), validators.lt(1)]


@attrs.frozen(kw_only=True)
class SplitConfig:
    """The keys with which a dataset says which of its utterances it gives."""

    split: Literal["all", "train", "dev", "test"] = field(default="all", metadata={"help": "which of each speaker's utterances"})
    dev_share: float = field(default=0.1, validator=SHARE, metadata={"help": "share held back for validation; 0 for none"})
    test_share: float = field(default=0.1, validator=SHARE, metadata={"help": "share held back for the test; 0 for none"})
    split_seed: int = field(default=0, validator=validators.ge(0), metadata={"help": "which utterances are held back"})


def split_entries(entries: Iterable[Entry], config: SplitConfig) -> list[Entry]:
    """The entries of the configured split, in the order given.

    From each speaker's utterances `test_share` goes to the test, then `dev_share` of the rest to validation, at least one
    each. Whole sessions (label `session`) go where a speaker has several, as long as training keeps one beside the test
    and two beside validation. The choice depends on the seed, the speaker and the keys alone.
    """
    listed = list(entries)
    if config.split == "all":
        return listed
    speakers: dict[str, list[Entry]] = defaultdict(list)
    for entry in listed:
        speakers[entry.labels.get("speaker", "")].append(entry)
    chosen = {entry.key for of_one in speakers.values() for entry in _parts(of_one, config)[config.split]}
    return [entry for entry in listed if entry.key in chosen]


def _parts(entries: list[Entry], config: SplitConfig) -> dict[str, list[Entry]]:
    rest, test = _hold_back(entries, config.test_share, f"{config.split_seed}/test", keep=1)
    train, dev = _hold_back(rest, config.dev_share, f"{config.split_seed}/dev", keep=2)
    return {"train": train, "dev": dev, "test": test}


def _hold_back(entries: list[Entry], share: float, seed: str, keep: int) -> tuple[list[Entry], list[Entry]]:
    """What stays and what is held back: sessions where more than `keep` are there, else utterances."""
    if share == 0 or len(entries) < FEWEST:
        return entries, []
    sessions = {entry.labels.get("session", "") for entry in entries}
    by_session = len(sessions) > keep
    units = {_unit(entry, by_session) for entry in entries}
    count = min(max(1, round(share * len(units))), len(units) - 1)
    held = set(sorted(units, key=lambda unit: hashlib.sha256(f"{seed}/{unit}".encode()).digest())[:count])
    stay = [entry for entry in entries if _unit(entry, by_session) not in held]
    return stay, [entry for entry in entries if _unit(entry, by_session) in held]


def _unit(entry: Entry, by_session: bool) -> str:
    return f"{entry.labels.get('speaker', '')}/{entry.labels.get('session', '')}" if by_session else entry.key
