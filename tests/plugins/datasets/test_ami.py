"""AMI's layout, its own annotations and the published ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.core.errors import DataError, FormatError
from fastdiar.core.types import RATE, Turn
from fastdiar.plugins.datasets.ami import Ami, AmiConfig
from fastdiar.plugins.datasets.ami.dataset import DEV, TEST

NITE = 'xmlns:nite="http://nite.sourceforge.net/"'
SPOKEN = {"FEE005": [(1.0, 5.0), (5.0, 5.5), (5.8, 9.5)], "MEO015": [(8.0, 9.0), (12.0, 15.5)]}
"""What the two people of every meeting say, word by word (seconds)."""
MEETINGS = ("ES2002a", "ES2002b", "ES2002c", "ES2002d", "IB4003", "TS3003a")


@pytest.fixture
def corpus(tmp_path: Path, speak: Callable[..., np.ndarray]) -> Path:
    """`amicorpus` with the headset mix of six meetings, and `manual` with their annotations."""
    sound = np.zeros(16 * RATE, np.float32)
    for person, words in enumerate(SPOKEN.values()):
        for start, end in words:
            sound[round(start * RATE) : round(end * RATE)] += speak(person, end - start)
    for meeting in MEETINGS:
        path = tmp_path / "amicorpus" / meeting / "audio" / f"{meeting}.Mix-Headset.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, sound, RATE)
        for agent, words in zip("AB", SPOKEN.values(), strict=True):
            annotate(tmp_path / "manual", meeting, agent, words)
    people = '<speaker nxt_agent="A" channel="1" global_name="FEE005"/><speaker nxt_agent="B" channel="0" global_name="MEO015"/>'
    meetings = "".join(f'<meeting observation="{name}">{people}</meeting>' for name in MEETINGS)
    write(tmp_path / "manual" / "corpusResources" / "meetings.xml", f"<nite:root {NITE}>{meetings}</nite:root>")
    return tmp_path


def annotate(folder: Path, meeting: str, agent: str, words: list[tuple[float, float]]) -> None:
    """As AMI does: words, with punctuation and laughter between, and segments around them."""
    inside = "".join(
        f'<w starttime="{start}" endtime="{end}">hm</w><w starttime="{end}" endtime="{end}" punc="true">.</w>'
        for start, end in words
    )
    for kind, content in (
        ("words", f'{inside}<vocalsound starttime="15.6" endtime="15.9" type="laugh"/><w>untimed</w>'),
        ("segments", f'<segment transcriber_start="{words[0][0]}" transcriber_end="{words[-1][1]}"/>'),
    ):
        path = folder / kind / f"{meeting}.{agent}.{kind}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<nite:root {NITE}>{content}</nite:root>')


def ami(corpus: Path, **config: Any) -> Ami:
    return Ami(AmiConfig(**{"root": corpus / "amicorpus", "references": corpus / "manual", **config}))


def test_segments_of_one_speaker(corpus: Path) -> None:
    entries = ami(corpus, subsets=("test",)).entries()
    found = [
        (each.labels["speaker"], round(each.start, 2), round(each.seconds or 0, 2), each.labels["overlap"]) for each in entries
    ]
    assert found == [
        ("FEE005", 1.0, 5.0, "no"),
        ("FEE005", 3.5, 5.0, "yes"),
        ("FEE005", 4.5, 5.0, "yes"),
        ("MEO015", 12.0, 3.5, "no"),  # the 1 s that MEO015 says before is too short
    ]
    assert entries[0].labels == {"corpus": "AMI", "session": "TS3003a", "speaker": "FEE005", "gender": "f", "overlap": "no"}
    assert len(ami(corpus, subsets=("test",), overlapped=False).entries()) == 2
    assert len({entry.key for entry in entries}) == 4


def test_segments_can_be_longer_and_apart(corpus: Path) -> None:
    config = {"subsets": ("test",), "seconds": (0.5, 3.0), "overlap": 0.0, "pause": 0.0}
    spans = [(entry.start, entry.seconds) for entry in ami(corpus, **config).entries() if entry.labels["speaker"] == "FEE005"]
    assert spans == [(1.0, 3.0), (2.5, 3.0), (5.8, 3.0), (6.5, 3.0)]


def test_chunks_tell_who_speaks_when(corpus: Path) -> None:
    meetings = ami(corpus, subsets=("test",), unit="chunk", seconds=(1.0, 8.0), overlap=0.0)
    first, second = meetings.entries()
    assert first.labels == {"corpus": "AMI", "session": "TS3003a"}
    assert meetings.turns(first) == (Turn(1.0, 5.5, "FEE005"), Turn(5.8, 8.0, "FEE005"))
    assert meetings.turns(second) == (Turn(0.0, 1.5, "FEE005"), Turn(0.0, 1.0, "MEO015"), Turn(4.0, 7.5, "MEO015"))
    assert len(meetings.load(second)) == 8 * RATE


def test_transcribed_segments_instead_of_words(corpus: Path) -> None:
    meetings = ami(corpus, subsets=("test",), unit="chunk", seconds=(1.0, 16.0), speech="segments")
    assert meetings.turns(meetings.entries()[0]) == (Turn(1.0, 9.5, "FEE005"), Turn(8.0, 15.5, "MEO015"))


def test_published_references_say_the_same_as_the_words(corpus: Path) -> None:
    whole = {"unit": "chunk", "seconds": (1.0, 99.0)}
    by_words = ami(corpus, subsets=("dev",), **whole)
    (entry,) = by_words.entries()
    lines = (f"SPEAKER IB4003 1 {t.start} {t.duration} <NA> <NA> {t.speaker} <NA> <NA>\n" for t in by_words.turns(entry))
    write(corpus / "only_words" / "rttms" / "dev" / "IB4003.rttm", "".join(lines))
    published = ami(corpus, references=corpus / "only_words", **whole)
    assert [published.turns(each) for each in published.entries()] == [by_words.turns(entry)]  # other meetings are passed over
    write(corpus / "only_words" / "uems" / "dev" / "IB4003.uem", "IB4003 1 2.0 7.5\n")
    assert [(each.start, each.seconds) for each in ami(corpus, references=corpus / "only_words", **whole).entries()] == [(2, 5.5)]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_partition_is_the_published_one(shared: Path) -> None:
    lists = shared / "data" / "ami" / "setup" / "only_words" / "lists"
    for part, beginnings in (("dev", DEV), ("test", TEST)):
        assert all(name.startswith(beginnings) for name in (lists / f"{part}.meetings.txt").read_text().split())
    train = (lists / "train.meetings.txt").read_text().split()
    assert len(train) == 136 and not any(name.startswith(DEV + TEST) for name in train)


def test_each_headset_by_itself(corpus: Path) -> None:
    folder = corpus / "amicorpus" / "ES2002a" / "audio"
    for number in (0, 1):
        shutil.copy(folder / "ES2002a.Mix-Headset.wav", folder / f"ES2002a.Headset-{number}.wav")
    entries = ami(corpus, microphone="headset").entries()
    assert {(entry.labels["speaker"], entry.path.name) for entry in entries} == {
        ("FEE005", "ES2002a.Headset-1.wav"),
        ("MEO015", "ES2002a.Headset-0.wav"),
    }
    assert [entry.labels["overlap"] for entry in entries] == ["no", "no", "yes", "yes"]  # in the room, whoever's headset it is
    meetings = ami(corpus, microphone="headset", unit="chunk", seconds=(1.0, 99.0))
    assert {turn.speaker for turn in meetings.turns(meetings.entries()[0])} == {"MEO015"}
    write(corpus / "only_words" / "rttms" / "ES2002a.rttm", "")
    with pytest.raises(DataError, match=r"Headset-0\.wav: only AMI's own annotations say whose headset this is"):
        ami(corpus, microphone="headset", references=corpus / "only_words").entries()


def test_the_distant_microphone_after_preparing(corpus: Path) -> None:
    folder = corpus / "amicorpus" / "ES2002a" / "audio"
    soundfile.write(folder / "ES2002a.Array1-01.flac", np.zeros(16 * RATE), RATE)
    assert {entry.path.name for entry in ami(corpus, microphone="array").entries()} == {"ES2002a.Array1-01.flac"}


def test_what_is_missing_is_named(corpus: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder: root must be AMI's folder amicorpus"):
        ami(corpus, root=corpus / "nowhere").entries()
    with pytest.raises(DataError, match=r"amicorpus: holds neither words/, .* nor rttms/"):
        ami(corpus, references=corpus / "amicorpus").entries()
    with pytest.raises(DataError, match=r"holds no recordings laid out as MEETING/audio/MEETING\.Array1-01\.wav"):
        ami(corpus, microphone="array").entries()
    write(corpus / "only_words" / "rttms" / "IS1000a.rttm", "")
    with pytest.raises(DataError, match=r"only_words: tells of none of the 6 recordings"):
        ami(corpus, references=corpus / "only_words").entries()


def test_annotations_that_are_broken_are_named(corpus: Path) -> None:
    words = corpus / "manual" / "words" / "ES2002a.A.words.xml"
    words.write_text('<root><w starttime="soon" endtime="2"/></root>')
    with pytest.raises(FormatError, match=r"ES2002a\.A\.words\.xml: starttime or endtime is no number"):
        ami(corpus).entries()
    words.write_text("<root>")
    with pytest.raises(FormatError, match=r"ES2002a\.A\.words\.xml: not XML"):
        ami(corpus).entries()
    (corpus / "manual" / "corpusResources" / "meetings.xml").write_text("<root/>")
    with pytest.raises(FormatError, match=r"meetings\.xml: does not say who speaks in ES2002a\.A\.words\.xml"):
        ami(corpus).entries()


def test_a_network_learns_from_it(corpus: Path, epoch: Callable[..., dict[str, Any]]) -> None:
    table = f'use = "ami"\nroot = "{(corpus / "amicorpus").as_posix()}"\nreferences = "{(corpus / "manual").as_posix()}"\n'
    log = epoch(f'[data.train]\n{table}subsets = ["train"]\n[data.dev]\n{table}subsets = ["dev"]\n')
    assert np.isfinite([log["loss"], log["dev.loss"]]).all() and log["unreadable"] == 0


def test_the_real_clips(shared: Path) -> None:
    data = shared / "data" / "ami"
    config = {"root": data / "amicorpus", "references": data / "setup_cut" / "only_words"}
    segments = Ami(AmiConfig(**config))
    entries = segments.entries()
    assert len(entries) > 40 and all(3 <= (entry.seconds or 0) <= 5 for entry in entries)
    assert len(segments.load(entries[0])) == round((entries[0].seconds or 0) * RATE)
    whole = Ami(AmiConfig(**config, unit="chunk", seconds=(1.0, 30.0)))
    assert [entry.seconds for entry in whole.entries()] == [30.0] * 10
    cut = Ami(AmiConfig(root=data / "amicorpus", references=data / "setup" / "only_words", unit="chunk", seconds=(1.0, 30.0)))
    assert all(turn.end <= 30 for entry in cut.entries() for turn in cut.turns(entry))
