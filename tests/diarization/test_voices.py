"""Voices of the people found, and their names."""

from __future__ import annotations

import itertools

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdiar.core.bundle import Identity
from fastdiar.core.errors import ModelError
from fastdiar.core.types import RATE, Diarization, Turn, Voice
from fastdiar.core.voices import KnownVoice, KnownVoices
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.voices import named

SCRIPT = [(1.0, 6.0, 2), (5.0, 9.0, 0), (10.0, 16.0, 1), (16.2, 20.0, 2)]
"""speaker1 is person 2, speaker2 person 0, speaker3 person 1."""


def known(*vectors: np.ndarray, model: Identity | None = None) -> KnownVoices:
    """People p0, p1… with these voices."""
    voices = [
        KnownVoice(f"p{place}", 9.0, tuple((vector / np.linalg.norm(vector)).tolist())) for place, vector in enumerate(vectors)
    ]
    return KnownVoices(model or Identity("any", "any"), tuple(voices))


def found(*vectors: np.ndarray) -> Diarization:
    """speaker1, speaker2… with these voices, each speaking for a second."""
    names = [f"speaker{place + 1}" for place in range(len(vectors))]
    turns = [Turn(place, place + 1, name) for place, name in enumerate(names)]
    voices = {
        name: Voice((vector / np.linalg.norm(vector)).astype(np.float32), 1.0)
        for name, vector in zip(names, vectors, strict=True)
    }
    return Diarization("talk", tuple(turns), voices=voices)


def towards(*cosines: float) -> np.ndarray:
    """A unit vector with these cosines with the first axes."""
    return np.array([*cosines, np.sqrt(1 - np.sum(np.square(cosines)))])


AXES = np.eye(3)


class TestVoices:
    def test_each_person_has_their_own(self, either, sound) -> None:
        heard = Diarizer(either)(sound(SCRIPT, 25.0), RATE)
        assert list(heard.voices) == heard.speakers == ["speaker1", "speaker2", "speaker3"]
        for name, person in zip(heard.speakers, (2, 0, 1), strict=True):
            voice = heard.voices[name]
            assert voice.vector.dtype == np.float32
            assert np.linalg.norm(voice.vector) == pytest.approx(1, abs=1e-5)
            assert voice.vector.argmax() == person
            assert voice.seconds == pytest.approx(sum(end - start for start, end, who in SCRIPT if who == person), abs=0.1)

    def test_silence_has_none(self, either) -> None:
        assert Diarizer(either)(np.zeros(5 * RATE, np.float32), RATE).voices == {}


class TestNamed:
    def test_people_keep_their_turns_and_voices_under_their_names(self) -> None:
        before = found(towards(0.9, 0.1, 0), towards(0, 0.1, 0.2), towards(0, 0.8, 0))
        after = named(before, known(*np.eye(4)[:3]), 0.5)
        assert [(turn.start, turn.speaker) for turn in after.turns] == [(0, "p0"), (1, "speaker2"), (2, "p1")]
        assert list(after.voices) == ["p0", "speaker2", "p1"]
        assert after.voices["p1"] is before.voices["speaker3"]

    def test_the_threshold_itself_is_enough(self) -> None:
        before, exactly = found(AXES[0]), float(np.float32(1.0))
        assert named(before, known(AXES[0]), exactly).speakers == ["p0"]

    def test_one_name_goes_to_one_person(self) -> None:
        assert named(found(towards(0.8), towards(0.9), towards(0.7)), known(np.eye(2)[0]), 0.5).speakers == [
            "speaker1",
            "p0",
            "speaker3",
        ]

    def test_a_strong_match_is_not_given_up_for_two_weak_ones(self) -> None:
        before = found(towards(0.8, 0.52), towards(0.52, 0.0))
        assert named(before, known(*AXES[:2]), 0.5).speakers == ["p0", "speaker2"]

    def test_names_are_exchanged_where_that_is_best_for_all(self) -> None:
        before = found(towards(0.70, 0.69), towards(0.69, 0.0))
        assert named(before, known(*AXES[:2]), 0.5).speakers == ["p1", "p0"]

    @given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4))
    def test_no_other_assignment_is_better(self, seed: int, people: int, names: int) -> None:
        random, threshold = np.random.default_rng(seed), 0.2
        before, those = found(*random.standard_normal((people, 3))), known(*random.standard_normal((names, 3)))
        after = named(before, those, threshold)
        vectors = [voice.vector for voice in before.voices.values()]
        cosines = np.array(vectors) @ np.array([voice.vector for voice in those.voices]).T
        bearers = [name for name in after.voices if name.startswith("p")]
        assert len(bearers) == len(set(bearers))
        rows = [(row, int(name[1:])) for row, name in enumerate(after.voices) if name.startswith("p")]
        assert all(cosines[pair] >= threshold for pair in rows)
        # Independently: every way to give each person one name or none.
        choices = itertools.product([None, *range(names)], repeat=people)
        totals = [
            sum(max(cosines[row, column] - threshold, 0) for row, column in enumerate(choice) if column is not None)
            for choice in choices
            if len(taken := [column for column in choice if column is not None]) == len(set(taken))
        ]
        assert sum(cosines[pair] - threshold for pair in rows) == pytest.approx(max(totals), abs=1e-6)

    def test_nobody_known_and_nobody_found(self) -> None:
        assert named(found(AXES[0]), known(), 0.5).speakers == ["speaker1"]
        assert named(found(), known(AXES[0]), 0.5).turns == ()


def test_a_diarizer_names_whom_it_knows(fake, sound) -> None:
    axes = np.eye(8)
    those = known(axes[1], axes[2], axes[3], model=fake.bundle.identity)
    assert Diarizer(fake)(sound(SCRIPT, 25.0), RATE, known=those).speakers == ["p1", "speaker2", "p0"]


def test_the_threshold_is_the_models(fake, sound) -> None:
    those = known(towards(0, 0.9, 0), model=fake.bundle.identity)
    assert "p0" in Diarizer(fake)(sound(SCRIPT, 25.0), RATE, known=pad(those)).speakers
    fake.bundle = attrs.evolve(fake.bundle, diarization={"known_cosine": 0.95})
    assert "p0" not in Diarizer(fake)(sound(SCRIPT, 25.0), RATE, known=pad(those)).speakers


def pad(known: KnownVoices) -> KnownVoices:
    """With vectors as long as the fake model's."""
    voices = [attrs.evolve(voice, vector=voice.vector + (0.0,) * (8 - len(voice.vector))) for voice in known.voices]
    return attrs.evolve(known, voices=tuple(voices))


def test_voices_of_another_model_are_refused(fake, sound) -> None:
    with pytest.raises(ModelError, match="of the model 'any', and mean nothing to 'fake'"):
        Diarizer(fake)(sound(SCRIPT, 25.0), RATE, known=known(np.eye(8)[1]))
