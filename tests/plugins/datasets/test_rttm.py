"""Recordings with RTTM and UEM files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.core.errors import AudioError, DataError, FormatError
from fastdiar.core.types import RATE, Turn
from fastdiar.plugins.datasets.rttm import Rttm, RttmConfig


def record(path: Path, seconds: float) -> None:
    """A ramp from 0 to 1, so that a sample tells where it comes from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.linspace(0, 1, round(seconds * RATE), endpoint=False), RATE, subtype="PCM_24")


def annotate(path: Path, *turns: tuple[float, float, str], uri: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (f"SPEAKER {uri or path.stem} 1 {start} {length} <NA> <NA> {who} <NA> <NA>\n" for start, length, who in turns)
    path.write_text("".join(lines))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    record(tmp_path / "call.flac", 25)
    annotate(tmp_path / "call.rttm", (1, 12, "ann"), (12.5, 1, "bob"), (24, 9, "ann"))
    return tmp_path


def dataset(root: Path, **config: Any) -> Rttm:
    return Rttm(RttmConfig(root=root, **config))


def test_chunks_cover_the_recording_and_are_equally_long(root: Path) -> None:
    entries = dataset(root).entries()
    assert [(entry.start, entry.seconds) for entry in entries] == [(0, 10), (10, 10), (15, 10)]
    assert [entry.labels for entry in entries] == [{"session": "call"}] * 3
    assert len({entry.key for entry in entries}) == 3
    assert [entry.start for entry in dataset(root, seconds=10, step=5).entries()] == [0, 5, 10, 15]
    assert [(entry.start, entry.seconds) for entry in dataset(root, seconds=60).entries()] == [(0, 25)]


def test_turns_are_cut_to_the_chunk_and_to_the_file(root: Path) -> None:
    calls = dataset(root)
    first, second, third = (calls.turns(entry) for entry in calls.entries())
    assert first == (Turn(1, 10, "ann"),)
    assert second == (Turn(0, 3, "ann"), Turn(2.5, 3.5, "bob"))
    assert third == (Turn(9, 10, "ann"),)  # the RTTM says up to 33 s, the file ends at 25 s


def test_segments_are_one_persons_speech_over_short_pauses(tmp_path: Path) -> None:
    record(tmp_path / "call.flac", 25)
    annotate(tmp_path / "call.rttm", (1, 4, "ann"), (5.3, 3, "ann"), (8.1, 0.5, "ann"), (12, 3, "bob"), (14, 2.5, "ann"))
    found = dataset(tmp_path, unit="segment", seconds=4).entries()
    assert [(entry.labels["speaker"], entry.start, entry.seconds, entry.labels["overlap"]) for entry in found] == [
        ("ann", 1, 4, "no"),
        ("ann", 4.6, 4, "no"),
        ("ann", 14, 2.5, "yes"),
        ("bob", 12, 3, "yes"),
    ]
    assert len({entry.key for entry in found}) == 4 and {entry.labels["session"] for entry in found} == {"call"}
    alone = dataset(tmp_path, unit="segment", seconds=4, overlapped=False, shortest=0.2, names="recording").entries()
    assert {entry.labels["speaker"] for entry in alone} == {"call/ann"}


def test_a_name_is_one_person_in_the_corpus_or_in_a_recording(tmp_path: Path) -> None:
    for name in ("a", "b"):
        record(tmp_path / f"{name}.wav", 3)
        annotate(tmp_path / f"{name}.rttm", (0, 2, "1"))
    people = {
        names: [entry.labels["speaker"] for entry in dataset(tmp_path, unit="segment", names=names).entries()]
        for names in ("corpus", "recording")
    }
    assert people == {"corpus": ["1", "1"], "recording": ["a/1", "b/1"]}


def test_only_the_chunk_is_loaded(root: Path) -> None:
    calls = dataset(root)
    samples = calls.load(calls.entries()[1])
    assert len(samples) == 10 * RATE
    assert samples[[0, -1]] == pytest.approx([10 / 25, 20 / 25], abs=1e-4)


def test_a_uem_restricts_where_chunks_lie(root: Path) -> None:
    (root / "call.uem").write_text("call 1 20.0 99.0\ncall 1 2.0 8.0\n")
    assert [(entry.start, entry.seconds) for entry in dataset(root).entries()] == [(2, 6), (20, 5)]


def test_folders_apart_and_names_that_continue_after_a_dot(tmp_path: Path) -> None:
    record(tmp_path / "sound" / "m1" / "m1.Mix-Headset.wav", 5)
    record(tmp_path / "sound" / "m2.wav", 5)
    annotate(tmp_path / "truth" / "dev" / "m1.rttm", (0, 1, "ann"))
    annotate(tmp_path / "truth" / "train" / "m2.rttm", (0, 2, "bob"), uri="other")
    calls = dataset(tmp_path / "sound", rttms=tmp_path / "truth")
    assert [entry.labels["session"] for entry in calls.entries()] == ["m1/m1.Mix-Headset", "m2"]
    assert [calls.turns(entry) for entry in calls.entries()] == [(Turn(0, 1, "ann"),), (Turn(0, 2, "bob"),)]


def test_one_file_may_tell_of_several_recordings_and_an_empty_one_of_silence(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "untold"):
        record(tmp_path / f"{name}.wav", 3)
    (tmp_path / "all.rttm").write_text("SPEAKER a 1 0 1 <NA> <NA> ann <NA> <NA>\nSPEAKER b 1 1 1 <NA> <NA> bob <NA> <NA>\n")
    (tmp_path / "c.rttm").write_text("")
    calls = dataset(tmp_path)
    heard = {entry.labels["session"]: calls.turns(entry) for entry in calls.entries()}
    assert heard == {"a": (Turn(0, 1, "ann"),), "b": (Turn(1, 2, "bob"),), "c": ()}


def test_a_split_holds_whole_recordings_back(tmp_path: Path) -> None:
    for name in "abcdef":
        record(tmp_path / f"{name}.wav", 12)
        annotate(tmp_path / f"{name}.rttm", (0, 5, name))
    splits = ("train", "dev", "test")
    parts = [{entry.labels["session"] for entry in dataset(tmp_path, seconds=2, split=split).entries()} for split in splits]
    assert sorted(map(len, parts)) == [1, 1, 4] and set.union(*parts) == set("abcdef")


def test_a_recording_that_cannot_be_opened_says_so_when_it_is_loaded(root: Path) -> None:
    (root / "call.flac").write_bytes(b"fLaC, but nothing more" * 9)
    calls = dataset(root)
    entries = calls.entries()
    assert entries[-1].start + entries[-1].seconds == 33
    with pytest.raises(AudioError, match=r"call\.flac: not a recording"):
        calls.load(entries[0])


def test_what_does_not_belong_together_is_named(root: Path) -> None:
    (root / "coll.uem").write_text("coll 1 0 5\n")
    with pytest.raises(DataError, match=r"coll\.uem: there is no recording 'coll' under root \(did you mean 'call'\?\)"):
        dataset(root).entries()
    (root / "coll.uem").unlink()
    annotate(root / "gone.rttm", (0, 1, "ann"))
    with pytest.raises(DataError, match=r"gone\.rttm: there is no recording 'gone' under root"):
        dataset(root).entries()
    (root / "gone.rttm").unlink()
    record(root / "again" / "call.wav", 2)
    annotate(root / "apart" / "call.rttm", (0, 1, "ann"))
    with pytest.raises(DataError, match=r"again.call\.wav and .*call\.flac could both be the recording 'call'"):
        dataset(root, rttms=root / "apart").entries()


def test_recordings_of_one_name_in_several_folders(root: Path) -> None:
    record(root / "again" / "call.wav", 4)
    annotate(root / "again" / "call.rttm", (0, 1, "cyn"))
    calls = dataset(root, seconds=60)
    assert [entry.labels["session"] for entry in calls.entries()] == ["again/call", "call"]
    assert {turn.speaker for entry in calls.entries() for turn in calls.turns(entry)} == {"ann", "bob", "cyn"}


def test_folders_that_are_absent_or_hold_something_else(root: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder: root must hold the recordings"):
        dataset(root / "nowhere").entries()
    with pytest.raises(DataError, match=r"nowhere: no such folder: it must hold \*\.uem files"):
        dataset(root, uems=root / "nowhere").entries()
    (root / "call.rttm").write_text("hello\n")
    with pytest.raises(FormatError, match=r"call\.rttm:1: expected an RTTM line"):
        dataset(root).entries()
    (root / "call.rttm").unlink()
    with pytest.raises(DataError, match="holds no RTTM files"):
        dataset(root).entries()


def test_a_network_learns_who_is_active_from_it(tmp_path: Path, say: Callable[..., None], epoch: Callable[..., Any]) -> None:
    for number in range(4):
        say(tmp_path / "calls" / f"{number}.wav", number, 2.5)
        annotate(tmp_path / "calls" / f"{number}.rttm", (0.2, 1.0, "ann"), (0.9, 1.2, "bob"))
    table = f'use = "rttm"\nroot = "{(tmp_path / "calls").as_posix()}"\nseconds = 1\n'
    head = '[head.activity]\nuse = "activity"\nhidden = 8\nlayers = 1\n[loss.activity]\nuse = "powerset"\nhead = "activity"\n'
    log = epoch(
        f'[data.train]\n{table}split = "train"\n[data.dev]\n{table}split = "dev"\n{head}', drop=("head", "loss", "pooling")
    )
    assert np.isfinite([log["loss"], log["dev.loss"]]).all() and log["unreadable"] == 0


def test_real_calls(shared: Path) -> None:
    calls = dataset(shared / "data" / "calls")
    entries = calls.entries()
    assert len({entry.labels["session"] for entry in entries}) == 5
    assert sum(turn.duration for entry in entries for turn in calls.turns(entry)) > 60
    assert len(calls.load(entries[-1])) == 10 * RATE
