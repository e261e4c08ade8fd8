"""Whole meetings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from fastdiar.core.errors import DataError, FormatError
from fastdiar.core.structure import StructureError, structure
from fastdiar.core.types import RATE
from fastdiar.plugins.datasets.conversation import Conversation, ConversationConfig, Kind, acoustics
from fastdiar.recipe import read_data, read_recipe

RECIPES = Path(__file__).resolve().parents[4] / "recipes"


def conversation(material: Path, **values: Any) -> Conversation:
    """The dataset of the material; short meetings unless `kinds` are given."""
    kinds = {"talk": Kind(meetings=3, people=(2, 3), seconds=(20.0, 30.0))}
    return Conversation(
        ConversationConfig(**{"table": material / "table.tsv", "rhythms": material / "rhythms", "kinds": kinds} | values)
    )


def test_entries_tell_the_kind_and_the_number_of_people(material: Path) -> None:
    kinds = {"room": Kind(meetings=2, people=(2, 2)), "call": Kind(meetings=11, people=(3, 3))}
    entries = conversation(material, kinds=kinds).entries()
    assert [entry.key for entry in entries[:3]] == ["room_0", "room_1", "call_00"]
    assert entries[0].labels == {"kind": "room", "people": "2"} and entries[-1].labels == {"kind": "call", "people": "3"}


@pytest.mark.parametrize("telephone", [0.0, 1.0])
def test_a_meeting_is_loud_where_its_turns_are_and_not_elsewhere(material: Path, telephone: float) -> None:
    dataset = conversation(
        material, level=0.0, kinds={"talk": Kind(meetings=2, people=(2, 3), seconds=(20.0, 30.0), telephone=telephone)}
    )
    for entry in dataset.entries():
        meeting = dataset.meeting(entry)
        assert meeting.samples.dtype == np.float32 and len(meeting.samples) == round((entry.seconds or 0) * RATE)
        assert np.abs(meeting.samples).max() <= 1
        active = np.zeros(len(meeting.samples), bool)
        for turn in meeting.turns:
            active[round(turn.start * RATE) : round(turn.end * RATE)] = True
        speech, rest = (np.sqrt(np.mean(meeting.samples[where] ** 2)) for where in (active, ~active))
        assert rest < 0.15 * speech


def test_everyone_speaks(material: Path) -> None:
    dataset = conversation(material)
    for entry in dataset.entries():
        assert len({turn.speaker for turn in dataset.meeting(entry).turns}) == int(entry.labels["people"])


def test_the_seed_decides_and_a_meeting_can_be_made_alone(material: Path) -> None:
    values: dict[str, Any] = {
        "noises": material / "noises",
        "kinds": {"talk": Kind(meetings=3, seconds=(20.0, 30.0), room=0.5, noise=0.5)},
    }
    one, same, other = (conversation(material, seed=seed, **values) for seed in (5, 5, 6))
    last = one.entries()[-1]
    assert np.array_equal([*map(one.load, one.entries())][-1], same.load(last))
    assert one.meeting(last).turns == same.meeting(last).turns != other.meeting(other.entries()[-1]).turns


def test_turns_are_told_without_making_rooms_and_noise(material: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"talk": Kind(meetings=1, seconds=(20.0, 30.0), room=1.0, noise=1.0)}
    one, other = (conversation(material, noises=material / "noises", kinds=kinds) for _ in range(2))
    (entry,) = one.entries()
    turns = one.meeting(entry).turns
    monkeypatch.setattr(acoustics, "hiss", None)
    assert other.turns(entry) == turns


def test_noise_is_as_loud_as_asked_for(material: Path) -> None:
    kinds = {"talk": Kind(meetings=1, people=(2, 2), seconds=(20.0, 30.0), noise=1.0)}
    dataset = conversation(material, noises=material / "noises", snr=(10.0, 10.0), level=0.0, kinds=kinds)
    meeting = dataset.meeting(dataset.entries()[0])
    active = np.zeros(len(meeting.samples), bool)
    for turn in meeting.turns:
        active[round((turn.start - 0.1) * RATE) : round((turn.end + 0.1) * RATE)] = True
    speech, noise = (np.mean(meeting.samples[where] ** 2) for where in (active, ~active))
    assert 10 * np.log10(speech / noise) == pytest.approx(10.4, abs=1.5)  # the speech has the noise in it too


def test_nobody_speaks_for_as_long_as_asked_for(material: Path) -> None:
    talk = Kind(meetings=6, people=(1, 2), seconds=(40.0, 50.0))
    plain, quiet = (conversation(material, kinds={"talk": attrs.evolve(talk, silence=share)}) for share in (0.0, 0.9))
    longest = []
    for entry in quiet.entries():
        turns = quiet.turns(entry)
        assert turns[-1].end <= entry.seconds
        edges = [0.0, *(edge for turn in turns for edge in (turn.start, turn.end)), entry.seconds]
        longest.append(max(after - before for before, after in zip(edges[::2], edges[1::2], strict=True)) / entry.seconds)
    assert max(longest) > 0.5 > min(longest)
    assert [entry.seconds for entry in plain.entries()] == [entry.seconds for entry in quiet.entries()]


def test_a_meeting_may_be_far_longer_than_its_voices(material: Path) -> None:
    talk = Kind(meetings=1, people=(2, 2), seconds=(300.0, 300.0))
    short, long = (
        conversation(material, kinds={"talk": attrs.evolve(talk, repeats=times)}).entries()[0].seconds for times in (2.0, 100.0)
    )
    assert short < long == 300.0


def test_only_listed_speakers_of_wanted_corpora_meet(material: Path) -> None:
    dataset = conversation(
        material, speakers=material / "speakers.txt", exclude_corpora=("two",), kinds={"talk": Kind(people=(2, 2))}
    )
    entries = dataset.entries()
    assert {turn.speaker for entry in entries for turn in dataset.meeting(entry).turns} == {"ann", "bob"}


def test_one_corpus_a_meeting(material: Path) -> None:
    dataset = conversation(material, kinds={"talk": Kind(meetings=4, people=(2, 3), seconds=(20.0, 30.0), one_corpus=True)})
    for entry in dataset.entries():
        speakers = {turn.speaker for turn in dataset.meeting(entry).turns}
        assert speakers <= {"ann", "bob", "cat"} or speakers <= {"dan", "eve"}


def test_voices_come_from_any_dataset_of_single_speakers(material: Path, say: Callable[..., None], tmp_path: Path) -> None:
    for person in range(3):
        for take in range(6):
            say(tmp_path / "voices" / f"voice{person}" / f"{take}.wav", person, 2.5, take)
    (tmp_path / "meetings.toml").write_text(
        f'[data.train]\nuse = "conversation"\nrhythms = "{(material / "rhythms").as_posix()}"\n'
        "[data.train.kinds.talk]\nmeetings = 2\npeople = [2, 2]\nseconds = [20, 30]\n"
        '[data.train.voices.friends]\nuse = "folder"\nroot = "voices"\n'
    )
    dataset, entries = read_data(read_recipe(tmp_path / "meetings.toml"), "train")
    for entry in entries:
        samples, turns = dataset.load(entry), dataset.turns(entry)
        assert turns is not None and {turn.speaker for turn in turns} <= {"voice0", "voice1", "voice2"}
        assert len({turn.speaker for turn in turns}) == 2 and len(samples) == round((entry.seconds or 0) * RATE)


def test_a_network_learns_who_is_active_from_it(material: Path, epoch: Callable[..., dict[str, Any]]) -> None:
    tables = "".join(
        f'[data.{name}]\nuse = "conversation"\nrhythms = "{(material / "rhythms").as_posix()}"\nseed = {seed}\n'
        f'table = "{(material / "table.tsv").as_posix()}"\n'
        f"[data.{name}.kinds.talk]\nmeetings = 4\npeople = [2, 3]\nseconds = [20, 30]\n"
        for seed, name in enumerate(("train", "dev"))
    )
    head = '[head.activity]\nuse = "activity"\nhidden = 8\nlayers = 1\n[loss.activity]\nuse = "powerset"\nhead = "activity"\n'
    log = epoch(tables + head, drop=("head", "loss", "pooling"))
    assert np.isfinite([log["loss"], log["dev.loss"]]).all() and log["unreadable"] == 0


def test_what_cannot_be_made(material: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a meeting of 9 people needs as many voices.*fewer in all"):
        conversation(material, kinds={"talk": Kind(people=(9, 9))}).entries()
    with pytest.raises(DataError, match="fewer in any one corpus"):
        conversation(material, kinds={"talk": Kind(people=(4, 4), one_corpus=True)}).entries()
    (tmp_path / "table.tsv").write_text("path\tspeaker\nx.wav\tann\n")
    with pytest.raises(FormatError, match="no column 'corpus'"):
        conversation(material, table=tmp_path / "table.tsv").entries()
    (tmp_path / "table.tsv").write_text("path\tcorpus\tspeaker\tsession\tseconds\nx.wav\tone\tann\t1\tlong\n")
    with pytest.raises(FormatError, match=r"table\.tsv:2: seconds is 'long': expected a number"):
        conversation(material, table=tmp_path / "table.tsv").entries()
    with pytest.raises(DataError, match="no voices to make meetings of: give a table, or datasets"):
        conversation(material, table=None).entries()


def test_rooms_and_noises_that_are_not_there(material: Path, tmp_path: Path) -> None:
    for key, message in (("rooms", r"expected room responses \(room_\*\.wav\)"), ("noises", "expected a folder of clips")):
        dataset = conversation(material, kinds={"talk": Kind(people=(2, 2), room=1.0, noise=1.0)}, **{key: tmp_path / "none"})
        with pytest.raises(DataError, match=message):
            dataset.meeting(dataset.entries()[0])


def test_a_wrong_config_is_refused_key_by_key() -> None:
    table = {"table": "t.tsv", "rhythms": "r", "snr": [5.0, -5.0], "kinds": {"talk": {"people": [0, 2], "room": 1.5}}}
    with pytest.raises(StructureError) as caught:
        structure(table, ConversationConfig)
    assert [".".join(map(str, key)) for key, _ in caught.value.problems] == ["kinds.talk.people", "kinds.talk.room", "snr"]


def test_the_development_set_holds_development_voices_only(shared: Path) -> None:
    dataset = Conversation(read_recipe(RECIPES / "devset.toml").data["dev"].config)
    entries = dataset.entries()
    assert len(entries) == 28
    meeting = dataset.meeting(next(entry for entry in entries if entry.labels["people"] == "2"))
    listed = (shared / "data" / "split_dev.txt").read_text().split()
    assert {turn.speaker for turn in meeting.turns} <= set(listed)
