"""The whole path: exact where the model is known, and good on real sound with the one that ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pytest
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastdiar.core import audio
from fastdiar.core.bundle import Activity
from fastdiar.core.clustering import Clusters, Windows
from fastdiar.core.errors import AudioError, FastdiarError, ModelError
from fastdiar.core.formats import read_rttm
from fastdiar.core.tables import WalkSettings
from fastdiar.core.types import RATE, Diarization, Recording
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.walk import Asked, walk

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPT = [(1.0, 6.0, 2), (5.0, 9.0, 0), (10.0, 16.0, 1), (16.2, 20.0, 2), (24.0, 31.0, 0), (33.0, 36.5, 1), (36.0, 41.0, 3)]


def who(found: Diarization, seconds: float, step: float = 0.01) -> list[frozenset[str]]:
    """Who speaks every `step` seconds."""
    return [
        frozenset(turn.speaker for turn in found.turns if turn.start <= time < turn.end) for time in np.arange(0, seconds, step)
    ]


def agreement(one: Diarization, other: Diarization) -> float:
    """The share of the time in which both say the same; names compare, as they follow the order of first turns."""
    assert one.seconds is not None
    pairs = zip(who(one, one.seconds), who(other, one.seconds), strict=True)
    return float(np.mean([here == there for here, there in pairs]))


@pytest.fixture(scope="module")
def whole(quality) -> Diarization:
    """The dialogue, as the model that ships hears it."""
    return quality(EXAMPLES / "dialogue.flac")


class TestAKnownModel:
    def test_turns_are_those_of_the_script(self, either, sound) -> None:
        found = Diarizer(either)(sound(SCRIPT, 45.0), RATE, uri="talk")
        names = {2: "speaker1", 0: "speaker2", 1: "speaker3", 3: "speaker4"}
        assert [turn.speaker for turn in found.turns] == [names[person] for _, _, person in SCRIPT]
        for turn, (start, end, _) in zip(found.turns, SCRIPT, strict=True):
            assert turn.start == pytest.approx(start, abs=0.02)
            assert turn.end == pytest.approx(end, abs=0.02)
        assert (found.uri, found.seconds, found.warnings) == ("talk", 45.0, ())

    def test_the_encoder_hears_each_second_once(self, fake, sound) -> None:
        Diarizer(fake)(sound(SCRIPT, 45.0), RATE)
        assert 45 * RATE <= sum(fake.encoded) <= 48 * RATE

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.integers(0, 45 * RATE), max_size=30))
    def test_blocks_of_any_size_give_the_same_turns(self, fake, sound, cuts: list[int]) -> None:
        samples, diarizer = sound(SCRIPT, 45.0), Diarizer(fake)
        whole = diarizer(samples, RATE)
        with pytest.MonkeyPatch.context() as patch:
            blocks = iter(np.split(samples, sorted(cuts)))
            patch.setattr(audio, "stream", lambda recording: audio.Stream("blocks", 45.0, blocks))
            assert diarizer(samples, RATE) == whole

    def test_silence_has_no_turns(self, either) -> None:
        found = Diarizer(either)(np.zeros(25 * RATE, np.float32), RATE)
        assert (found.turns, found.seconds, found.warnings, found.to_rttm()) == ((), 25.0, (), "")
        wished = Diarizer(either)(np.zeros(25 * RATE, np.float32), RATE, uri="hush", num_speakers=3)
        assert (wished.turns, wished.warnings) == ((), ("hush: asked for 3 speakers, found speech for 0",))

    def test_progress_grows_to_the_whole(self, fake, sound) -> None:
        told: list[tuple[float, float | None]] = []
        Diarizer(fake)(sound(SCRIPT, 45.0), RATE, progress=lambda done, total: told.append((done, total)))
        assert told == sorted(told)
        assert told[-1] == (45.0, 45.0)

    @pytest.mark.parametrize("people", [1, 2, 3, 4])
    def test_a_wanted_number_is_found(self, fake, sound, people: int) -> None:
        assert len(Diarizer(fake)(sound(SCRIPT, 45.0), RATE, num_speakers=people).speakers) == people

    def test_a_wish_that_cannot_be_met_is_a_warning(self, fake, sound) -> None:
        found = Diarizer(fake)(sound([(1.0, 2.0, 0)], 5.0), RATE, uri="talk", min_speakers=3)
        assert found.warnings == ("talk: asked for at least 3 speakers, found speech for 1",)

    def test_where_fewer_people_than_asked_for_have_turns_more_are_looked_for(self, fake, sound) -> None:
        asked = []

        def one_too_few(windows: Windows, least: int, most: int | None) -> Clusters:
            asked.append((least, most))
            return Clusters(np.arange(len(windows)) * (least - 1) // len(windows), 1.0)

        found = walk(Recording(samples=sound(SCRIPT, 45.0)), fake, WalkSettings(), one_too_few, Asked(3, 3))
        assert asked == [(3, 3), (4, 4)] and len(found.speakers) == 3

    @pytest.mark.parametrize(
        ("wishes", "reason"),
        [
            ({"num_speakers": 2, "max_speakers": 3}, "given twice"),
            ({"num_speakers": 0}, r"must be 1 or more, .*: 0 to 0"),
            ({"min_speakers": 4, "max_speakers": 3}, r"the minimum at most the maximum: 4 to 3"),
            ({"max_speakers": 0}, r": 1 to 0"),
        ],
    )
    def test_wishes_that_contradict_are_refused(self, fake, sound, wishes: dict[str, int], reason: str) -> None:
        with pytest.raises(FastdiarError, match=reason):
            Diarizer(fake)(sound(SCRIPT, 45.0), RATE, **wishes)

    @pytest.mark.parametrize(("samples", "rate", "heard"), [(80, RATE, "5 ms"), (1599, RATE, "99 ms"), (240, 48_000, "5 ms")])
    def test_too_short_a_recording_is_refused(self, fake, samples: int, rate: int, heard: str) -> None:
        with pytest.raises(AudioError, match=f"^blip: holds only {heard} of sound: expected at least 100 ms$"):
            Diarizer(fake)(np.zeros(samples, np.float32), rate, uri="blip")

    @pytest.mark.parametrize("samples", [RATE // 10, RATE, 10 * RATE, 10 * RATE + 1])
    def test_the_shortest_recordings_are_heard(self, either, sound, samples: int) -> None:
        found = Diarizer(either)(sound([(0.0, 20.0, 1)], 20.0)[:samples], RATE)
        assert found.seconds == pytest.approx(samples / RATE)
        assert all(turn.end <= found.seconds + 1e-3 for turn in found.turns)

    @pytest.mark.parametrize(
        "labels",
        [lambda count: np.arange(count) % 2 * 2, lambda count: np.zeros(count - 1, int), lambda count: np.zeros(count)],
        ids=["gaps", "too few", "fractions"],
    )
    def test_a_clustering_that_breaks_its_promise_is_named(self, fake, sound, labels: Callable[[int], np.ndarray]) -> None:
        def careless(windows: Windows, least: int, most: int | None) -> Clusters:
            return Clusters(labels(len(windows)), 1.0)

        with pytest.raises(
            ModelError, match=r"promised a label for each of \d+ windows, whole numbers from 0 without gaps, gave"
        ):
            walk(Recording(samples=sound(SCRIPT, 45.0)), fake, WalkSettings(), careless)

    def test_a_step_shorter_than_a_frame_comes_to_an_end(self, fake, sound) -> None:
        settings = {"chunk": 1.0, "overlap": 0.94}
        fake.bundle = attrs.evolve(fake.bundle, activity=Activity(hop=4000, first=2000), diarization=settings)
        assert Diarizer(fake)(sound(SCRIPT, 45.0)[: 5 * RATE], RATE).seconds == 5.0

    def test_samples_need_their_rate(self, fake) -> None:
        with pytest.raises(FastdiarError, match=r"samples need their sampling rate: diarize\(samples, rate=16000\)"):
            Diarizer(fake)(np.zeros(RATE, np.float32))


class TestTheModelThatShips:
    def test_finds_the_four_voices_of_the_dialogue(self, whole: Diarization) -> None:
        assert whole.uri == "dialogue"
        assert len(whole.speakers) == 4
        assert whole.speakers_probability is not None and 0 < whole.speakers_probability <= 1
        assert all(turn.confidence is not None and 0 < turn.confidence <= 1 for turn in whole.turns)

    def test_finds_who_spoke_when(self, whole: Diarization) -> None:
        pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")
        from fastdiar.evaluation.diarization import Pair, score

        result = score(Pair("dialogue", read_rttm(EXAMPLES / "dialogue.rttm")["dialogue"], whole.turns))
        assert result.der is not None and result.der < 0.15

    def test_samples_are_as_good_as_a_file(self, quality, dialogue: np.ndarray, whole: Diarization) -> None:
        assert quality(dialogue, RATE, uri="dialogue") == whole

    def test_another_rate_and_channels_change_little(self, quality, dialogue: np.ndarray, whole: Diarization) -> None:
        stereo = np.repeat(soxr.resample(dialogue, RATE, 48_000)[:, None], 2, axis=1)
        found = quality(stereo, 48_000)
        assert len(found.speakers) == 4
        assert agreement(whole, found) > 0.93

    @pytest.mark.parametrize("seconds", [1, 7])
    def test_blocks_of_any_size_give_the_same_turns(
        self, quality, whole: Diarization, seconds: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(audio, "BLOCK_SECONDS", seconds)
        assert quality(EXAMPLES / "dialogue.flac") == whole

    @pytest.mark.parametrize(("people", "exclusive"), [*((people, False) for people in range(1, 7)), (10, False), (11, True)])
    def test_a_wanted_number_is_found(self, quality, dialogue: np.ndarray, people: int, exclusive: bool) -> None:
        found = quality(dialogue, RATE, num_speakers=people, exclusive=exclusive)
        assert len(found.speakers) == people
        assert found.warnings == ()

    @pytest.mark.parametrize(
        "wish", [{"min_speakers": 5}, {"min_speakers": 10}, {"max_speakers": 3}, {"min_speakers": 2, "max_speakers": 8}]
    )
    def test_bounds_hold(self, quality, dialogue: np.ndarray, wish: dict[str, int]) -> None:
        people = len(quality(dialogue, RATE, **wish).speakers)
        assert wish.get("min_speakers", 1) <= people <= wish.get("max_speakers", people)

    def test_one_person_is_one(self, quality, dialogue: np.ndarray) -> None:
        found = quality(dialogue[: round(4.9 * RATE)], RATE)
        assert found.speakers == ["speaker1"]
        assert sum(turn.duration for turn in found.turns) == pytest.approx(4.2, abs=0.5)

    def test_a_blink_of_speech_is_found(self, quality, dialogue: np.ndarray) -> None:
        """As much speech as the shortest window needs."""
        padded = np.concatenate([np.zeros(RATE), dialogue[RATE : RATE + 6400], np.zeros(RATE)]).astype(np.float32)
        found = quality(padded, RATE)
        assert found.speakers == ["speaker1"]
        assert found.turns[0].start == pytest.approx(1.0, abs=0.15)

    @pytest.mark.parametrize("level", [0.0, 1e-3, 0.1])
    def test_silence_and_noise_have_no_turns(self, quality, level: float) -> None:
        noise = level * np.random.default_rng(0).standard_normal(12 * RATE)
        assert quality(noise, RATE).turns == ()


class TestOddRecordings:
    def test_two_minutes_of_music_are_hardly_speech(self, quality, shared: Path) -> None:
        clips = [audio.read(path) for path in sorted((shared / "data" / "noise" / "music").glob("*.opus"))]
        found = quality(np.resize(np.concatenate(clips), 120 * RATE), RATE)
        assert found.seconds == 120 and sum(turn.duration for turn in found.turns) < 12

    def test_of_twenty_people_in_a_row_most_are_found_and_all_where_they_are_asked_for(self, quality, shared: Path) -> None:
        readers = sorted((shared / "data" / "librispeech_tc100").iterdir())[:20]
        talk = np.concatenate([audio.read(next(reader.iterdir()), 0.0, 10.0) for reader in readers])
        assert 15 <= len(quality(talk, RATE).speakers) <= 22
        asked = quality(talk, RATE, num_speakers=20)
        assert (len(asked.speakers), asked.warnings) == (20, ())

    def test_more_people_than_there_is_speech_for_are_a_warning(self, quality, dialogue: np.ndarray) -> None:
        found = quality(dialogue[: 5 * RATE], RATE, uri="short", num_speakers=20)
        assert found.warnings == (f"short: asked for 20 speakers, found speech for {len(found.speakers)}",)


def test_exclusive_never_names_two_at_once(quality, whole) -> None:
    found = quality(EXAMPLES / "dialogue.flac", exclusive=True)
    assert max(len(names) for names in who(whole, 51.0)) == 2
    assert max(len(names) for names in who(found, 51.0)) == 1
    assert found.speakers == whole.speakers


def test_the_runner_up_has_one_person_more_where_that_is_allowed(quality, whole) -> None:
    source = EXAMPLES / "dialogue.flac"
    found = quality(source, runner_up=True)
    assert found.turns == whole.turns and whole.runner_up is None
    assert len(found.runner_up.speakers) == len(whole.speakers) + 1
    assert found.runner_up.turns == quality(source, num_speakers=len(whole.speakers) + 1).turns
    assert quality(source, max_speakers=len(whole.speakers), runner_up=True).runner_up is None
    assert quality(np.zeros(20 * RATE, np.float32), RATE, runner_up=True).runner_up is None


def test_how_sure_the_count_is_stands_where_it_was_estimated(quality, whole) -> None:
    assert 0 < whole.speakers_probability < 1
    assert quality(EXAMPLES / "dialogue.flac", num_speakers=4).speakers_probability is None
    assert quality(np.zeros(20 * RATE, np.float32), RATE).speakers_probability is None
