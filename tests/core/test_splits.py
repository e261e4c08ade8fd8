"""Holding utterances back: disjoint, complete, by whole sessions, and the same on every machine."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

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


def parts(listed: list[Entry], seed: int = 0) -> dict[str, list[Entry]]:
    return {name: split_entries(listed, SplitConfig(split=name, split_seed=seed)) for name in ("train", "dev", "test")}


speakers = st.dictionaries(st.text("abcde", min_size=1), st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1)


@given(speakers, st.integers(0, 9))
def test_every_utterance_lies_in_exactly_one_part(sessions: dict[str, list[int]], seed: int) -> None:
    listed = entries(sessions)
    counts = Counter(entry.key for part in parts(listed, seed).values() for entry in part)
    assert counts == Counter(entry.key for entry in listed)


@given(speakers, st.randoms(use_true_random=False))
def test_the_choice_depends_on_keys_alone(sessions: dict[str, list[int]], random: object) -> None:
    listed = entries(sessions)
    shuffled = random.sample(listed, len(listed))  # type: ignore[attr-defined]
    for name, part in parts(listed).items():
        assert {entry.key for entry in part} == {entry.key for entry in parts(shuffled)[name]}


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
    assert len(parts(listed)["test"]) == 4 and len(parts(listed)["dev"]) == 4
