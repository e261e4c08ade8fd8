"""Holding utterances back: disjoint, complete, by whole sessions, and the same on every machine."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.dataset import Entry
from fastdiar.core.splits import SplitConfig, split_entries


def entries(sessions: dict[str, list[int]]) -> list[Entry]:
    """For each speaker, how many utterances each of the sessions holds."""
    listed = []
    for speaker, counts in sessions.items():
        for session, count in enumerate(counts):
            for take in range(count):
                key = f"{speaker}/{session}/{take}"
                listed.append(Entry(key, Path(key), {"speaker": speaker, "session": str(session)}))
    return listed


def parts(listed: list[Entry], seed: int = 0, partition: Any = "utterance") -> dict[str, list[Entry]]:
    config = SplitConfig(split_seed=seed, partition=partition)
    return {name: split_entries(listed, attrs.evolve(config, split=name)) for name in ("train", "dev", "test")}


partitions = st.sampled_from(["utterance", "speaker"])
speakers = st.dictionaries(st.text("abcde", min_size=1), st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1)


@given(speakers, st.integers(0, 9), partitions)
def test_every_utterance_lies_in_exactly_one_part(sessions: dict[str, list[int]], seed: int, partition: str) -> None:
    listed = entries(sessions)
    counts = Counter(entry.key for part in parts(listed, seed, partition).values() for entry in part)
    assert counts == Counter(entry.key for entry in listed)


@given(speakers, st.randoms(use_true_random=False), partitions)
def test_the_choice_depends_on_keys_alone(sessions: dict[str, list[int]], random: Any, partition: str) -> None:
    listed = entries(sessions)
    shuffled = random.sample(listed, len(listed))
    for name, part in parts(listed, partition=partition).items():
        assert {entry.key for entry in part} == {entry.key for entry in parts(shuffled, partition=partition)[name]}


@given(st.integers(1, 40), st.integers(0, 9))
def test_a_speaker_is_heard_in_one_part_alone(count: int, seed: int) -> None:
    listed = entries({f"speaker{number}": [2, 1] for number in range(count)})
    heard = {name: {entry.labels["speaker"] for entry in part} for name, part in parts(listed, seed, "speaker").items()}
    assert sum(map(len, heard.values())) == count
    if count >= 10:
        assert {name: len(part) for name, part in heard.items() if name != "train"} == dict.fromkeys(
            ("dev", "test"), round(0.1 * count)
        )


def test_what_names_no_speaker_is_held_back_by_session() -> None:
    listed = [Entry(f"{session}@{start}", Path(), {"session": session}) for session in "abcdefghij" for start in range(3)]
    for partition in ("utterance", "speaker"):
        sessions = [{entry.labels["session"] for entry in part} for part in parts(listed, partition=partition).values()]
        assert sorted(map(len, sessions)) == [1, 1, 8]
        assert set.union(*sessions) == set("abcdefghij")


@given(speakers)
def test_every_speaker_keeps_something_to_train_on(sessions: dict[str, list[int]]) -> None:
    assert {entry.labels["speaker"] for entry in parts(entries(sessions))["train"]} == set(sessions)


@given(speakers)
def test_no_session_is_both_trained_on_and_tested_where_there_are_several(sessions: dict[str, list[int]]) -> None:
    split = parts(entries(sessions))
    tested = defaultdict(set)
    for entry in split["test"]:
        tested[entry.labels["speaker"]].add(entry.labels["session"])
    for entry in [*split["train"], *split["dev"]]:
        if len(sessions[entry.labels["speaker"]]) > 1:
            assert entry.labels["session"] not in tested[entry.labels["speaker"]]


def test_a_speaker_with_three_utterances_gives_one_to_the_test_and_two_speakers_with_fewer_none() -> None:
    split = parts(entries({"three": [3], "two": [2], "one": [1]}))
    assert Counter(entry.labels["speaker"] for entry in split["test"]) == {"three": 1}
    assert Counter(entry.labels["speaker"] for entry in split["train"]) == {"three": 2, "two": 2, "one": 1}


def test_another_seed_holds_others_back() -> None:
    listed = entries({"a": [40]})
    assert parts(listed, 0)["test"] != parts(listed, 1)["test"]
    assert {name: len(part) for name, part in parts(listed).items()} == {"train": 32, "dev": 4, "test": 4}
    assert len(parts(entries({"a": [100]}))["train"]) == 80
