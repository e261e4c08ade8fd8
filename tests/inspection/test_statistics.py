"""People, utterances, hours and overlap are counted from metadata, and from headers where that says too little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError
from fastdiar.core.types import RATE, Turn
from fastdiar.inspection import statistics as module
from fastdiar.inspection.statistics import in_both, statistics
from fastdiar.plugins.datasets.shards import Member


class Listed(Dataset):
    """Entries as given, with their turns; audio that is opened would not be found."""

    config_class = dict

    def __init__(self, listed: list[Entry], told: dict[str, tuple[Turn, ...]] | None = None) -> None:
        super().__init__({})
        self.listed, self.told = listed, told

    def entries(self) -> list[Entry]:
        return self.listed

    def turns(self, entry: Entry) -> tuple[Turn, ...] | None:
        if self.told is not None and entry.key not in self.told:
            raise DataError("no such turns")
        return None if self.told is None else self.told[entry.key]


def entry(key: str, seconds: float | None, path: Path = Path("nowhere.wav"), **labels: str) -> Entry:
    return Entry(key, path, labels, seconds=seconds)


def of(listed: list[Entry], told: dict[str, Any] | None = None) -> module.Statistics:
    return statistics(Listed(listed, told), listed)


def test_metadata_is_enough_where_it_tells_all() -> None:
    found = of([entry(str(seconds), seconds, speaker=f"voice{seconds % 3}") for seconds in range(1, 102)])
    assert (found.speakers, found.utterances) == (3, 101)
    assert found.hours == pytest.approx(51 * 101 / 3600)
    assert found.seconds == pytest.approx((1, 6, 51, 96, 101))
    assert (found.overlap, found.estimated, found.unreadable) == (None, False, ())


def test_headers_tell_the_rest_and_bad_files_are_named(tmp_path: Path) -> None:
    for name, seconds in (("a", 1.0), ("b", 2.5)):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(round(seconds * RATE)), RATE)
    (tmp_path / "c.wav").touch()
    found = of([entry(name, None, tmp_path / f"{name}.wav", speaker=name) for name in "abc"])
    assert (found.seconds[0], found.seconds[-1]) == (1.0, 2.5)
    assert found.unreadable == (f"{tmp_path / 'c.wav'}: is empty: 0 bytes",)


def test_many_files_are_estimated_from_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEADERS", 10)
    soundfile.write(tmp_path / "a.wav", np.zeros(2 * RATE), RATE)
    found = of([entry(str(number), None, tmp_path / "a.wav") for number in range(1000)])
    assert found.estimated
    assert found.hours == pytest.approx(2000 / 3600)


def test_overlap_is_the_share_of_speech_in_which_two_speak() -> None:
    told = {
        "a": (Turn(0, 4, "ann"), Turn(3, 6, "bob"), Turn(3.5, 4, "cy")),
        "b": (Turn(1, 2, "ann"), Turn(4, 5, "ann")),
        "quiet": (),
    }
    found = of([entry(key, 10.0) for key in told], told)
    assert found.overlap == pytest.approx(1 / 8)
    assert found.speakers == 3
    assert not found.estimated


def test_turns_that_cannot_be_read_are_passed_over() -> None:
    found = of([entry("a", 3.0), entry("lost", 3.0)], {"a": (Turn(0, 1, "ann"),)})
    assert found.overlap == 0
    assert found.estimated


def test_nothing_is_nothing() -> None:
    assert of([]) == module.Statistics(0, 0, 0.0, (), None, False, ())


def test_what_two_parts_have_in_common_is_told_by_file_and_time() -> None:
    def chunk(start: float, file: str = "a.wav") -> Entry:
        return Entry(f"{file}@{start}", Path(file), {}, start, 10.0)

    assert in_both([chunk(0), chunk(10)], [chunk(15)]) == ["a.wav@10"]
    assert in_both([chunk(0), chunk(10)], [chunk(20), chunk(5, "b.wav")]) == []
    assert in_both([Entry("one", Path("a.wav"), {})], [Entry("other", Path("a.wav"), {})]) == ["one"]
    packed = [Member(name, Path("a.tar"), {}, seconds=3.0, member=name) for name in ("one", "other")]
    assert in_both(packed[:1], packed[1:]) == [] and in_both(packed[:1], packed) == ["one"]
