"""Talks are put together from utterances, and who speaks when in them is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError
from fastdiar.core.types import RATE
from fastdiar.evaluation.talks import LEVEL, PEOPLE, TALKS, UTTERANCES, Talks


class Tones(Dataset):
    """Each person's utterances are a number of their own, of any loudness; one cannot be read."""

    def __init__(self, people: int) -> None:
        super().__init__(None)
        self.people = people

    def entries(self) -> list[Entry]:
        names = [f"p{number}" for number in range(self.people)]
        return [Entry(f"{name}/{take}", Path(name), {"speaker": name}) for name in names for take in ("one", "two", "broken")]

    def load(self, entry: Entry) -> np.ndarray:
        if entry.key.endswith("broken"):
            raise AudioError("broken")
        person = int(entry.path.name[1:])
        return np.full(RATE * (1 if entry.key.endswith("one") else 9), (-1) ** person * (0.1 + person), np.float32)


@pytest.mark.parametrize("people", [2, 5])
def test_people_take_turns_that_are_known(people: int) -> None:
    tones = Tones(people)
    talks = Talks(tones, tones.entries())
    assert len(talks.entries()) == TALKS
    heard = set()
    for entry in talks.entries():
        turns = talks.turns(entry)
        samples = talks.load(entry)
        assert len({turn.speaker for turn in turns}) <= min(PEOPLE, people) and 0 < len(turns) <= UTTERANCES
        said = np.zeros(len(samples), bool)
        for turn in turns:
            span = slice(round(turn.start * RATE), round(turn.end * RATE))
            sign = (-1) ** int(turn.speaker[1:])
            np.testing.assert_allclose(samples[span], sign * LEVEL, rtol=1e-3)
            said[span] = True
        assert not samples[~said].any() and not said.all()
        heard |= {turn.speaker for turn in turns}
    assert len(heard) == people


def test_one_person_makes_no_talk() -> None:
    tones = Tones(1)
    assert Talks(tones, tones.entries()).entries() == []


def test_a_talk_of_which_nothing_can_be_read_is_an_error() -> None:
    tones = Tones(2)
    broken = Talks(tones, [entry for entry in tones.entries() if entry.key.endswith("broken")])
    with pytest.raises(AudioError, match="broken"):
        broken.load(broken.entries()[0])
    assert broken.turns(broken.entries()[0]) == ()
