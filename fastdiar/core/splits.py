"""Holding a part of a corpus back: of every speaker's speech, or whole speakers."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
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

    split: Literal["all", "train", "dev", "test"] = field(default="all", metadata={"help": "which part of the utterances"})
    partition: Literal["utterance", "speaker"] = field(
        default="utterance",
        metadata={
            "help": "what is held back: some of each speaker's utterances (closed-set accuracy), or whole speakers (verification)"
        },
    )
    dev_share: float = field(default=0.1, validator=SHARE, metadata={"help": "share held back for validation; 0 for none"})
    test_share: float = field(default=0.1, validator=SHARE, metadata={"help": "share held back for the test; 0 for none"})
    split_seed: int = field(default=0, validator=validators.ge(0), metadata={"help": "what chance holds back"})


def split_entries(entries: Iterable[Entry], config: SplitConfig) -> list[Entry]:
    """The entries of the configured split, in the order given. The choice depends on the seed, the speakers and the keys alone.

    By utterance: of each speaker `test_share` goes to the test and `dev_share` to validation, at least one utterance each.
    Whole sessions (label `session`) go where a speaker has several, as long as training keeps one beside the test and two
    beside validation. By speaker: all that a speaker said goes to one part; what names no speaker goes by its session.
    """
    listed = list(entries)
    if config.split == "all":
        return listed
    groups = [listed] if config.partition == "speaker" else _by_speaker(listed)
    chosen = {entry.key for group in groups for entry in _parts(group, config)[config.split]}
    return [entry for entry in listed if entry.key in chosen]


def why_empty(config: Any) -> str:
    """Why a dataset with this config may list nothing, and what to do."""
    if not isinstance(config, SplitConfig) or config.split == "all":
        return "lists no utterances"
    if config.partition == "speaker":
        return f'split = "{config.split}" is empty: with partition = "speaker" each split needs a speaker of its own'
    return f'split = "{config.split}" is empty: no speaker has {FEWEST} utterances or more, of which some could be held back'


def _by_speaker(entries: Iterable[Entry]) -> Iterable[list[Entry]]:
    speakers: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        speakers[entry.labels.get("speaker", "")].append(entry)
    return speakers.values()


def _parts(entries: list[Entry], config: SplitConfig) -> dict[str, list[Entry]]:
    rest, test = _hold_back(entries, entries, config.test_share, f"{config.split_seed}/test", _units(entries, config, keep=1))
    train, dev = _hold_back(rest, entries, config.dev_share, f"{config.split_seed}/dev", _units(rest, config, keep=2))
    return {"train": train, "dev": dev, "test": test}


def _units(entries: list[Entry], config: SplitConfig, keep: int) -> Callable[[Entry], str]:
    """What is held back whole: speakers, sessions where more than `keep` are there, or utterances."""
    if config.partition == "speaker":
        return lambda entry: entry.labels.get("speaker") or entry.labels.get("session") or entry.key
    if len({entry.labels.get("session", "") for entry in entries}) > keep:
        return lambda entry: f"{entry.labels.get('speaker', '')}/{entry.labels.get('session', '')}"
    return lambda entry: entry.key


def _hold_back(
    entries: list[Entry], whole: list[Entry], share: float, seed: str, unit: Callable[[Entry], str]
) -> tuple[list[Entry], list[Entry]]:
    """What stays and what is held back of `entries`: as many units as are `share` of those in the `whole`."""
    if share == 0 or len(entries) < FEWEST:
        return entries, []
    units = [unit(entry) for entry in entries]
    distinct = set(units)
    in_whole = len(distinct) if entries is whole else len({unit(entry) for entry in whole})
    count = min(max(1, round(share * in_whole)), len(distinct) - 1)
    held = set(sorted(distinct, key=lambda each: hashlib.sha256(f"{seed}/{each}".encode()).digest())[:count])
    pairs = list(zip(entries, units, strict=True))
    return [entry for entry, each in pairs if each not in held], [entry for entry, each in pairs if each in held]
