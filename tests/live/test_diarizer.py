"""A stream: what is told at once is right where the model is, mistakes are corrected, and the last word is offline's."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Sequence
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastdiar.core.clustering import Clusters, Windows
from fastdiar.core.errors import AudioError, ModelError
from fastdiar.core.types import RATE, Diarization, Turn
from fastdiar.diarization.diarizer import Diarizer
from fastdiar.diarization.hear import SHORTEST_CONTEXT
from fastdiar.live.diarizer import LiveDiarizer, LiveSettings
from fastdiar.live.events import Event, Final, Relabelled, TurnTold, to_json

SCRIPT = [(1.0, 6.0, 2), (5.0, 9.0, 0), (10.0, 16.0, 1), (16.2, 20.0, 2), (24.0, 31.0, 0), (33.0, 36.5, 1), (36.0, 41.0, 3)]
FRAME = 270 / RATE


def streamed(model, samples: np.ndarray, chosen: LiveSettings | None = None, piece: int = 3000) -> list[Event]:
    with LiveDiarizer(Diarizer(model), settings=chosen) as live:
        events = [event for first in range(0, len(samples), piece) for event in live.push(samples[first : first + piece])]
        return events + live.finish()


def last_word(events: Sequence[Event]) -> Diarization:
    assert isinstance(events[-1], Final) and not any(isinstance(event, Final) for event in events[:-1])
    return events[-1].diarization


def told(events: Sequence[Event]) -> list[TurnTold]:
    return [event for event in events if isinstance(event, TurnTold)]


def as_one(turns: Sequence[Turn]) -> list[tuple[float, float, int]]:
    """Turns with numbers for names, in order of first words."""
    order = list(dict.fromkeys(turn.speaker for turn in turns))
    return [(turn.start, turn.end, order.index(turn.speaker)) for turn in turns]


def conversation(minutes: float) -> list[tuple[float, float, int]]:
    """Three people in turn, five seconds each."""
    return [(start, start + 4.5, place % 3) for place, start in enumerate(np.arange(0, 60 * minutes, 5.0).tolist())]


class TestAKnownModel:
    def test_what_is_told_at_once_is_the_script(self, either, sound) -> None:
        script = [(1.0, 6.0, 2), (6.2, 9.0, 0), (10.0, 16.0, 1), (16.2, 20.0, 2), (24.0, 31.0, 0), (36.0, 41.0, 3)]
        events = streamed(either, sound(script, 45.0))
        closed = sorted((event for event in told(events) if event.state == "closed"), key=lambda event: event.start)
        names = {2: "speaker1", 0: "speaker2", 1: "speaker3", 3: "speaker4"}
        assert [event.speaker for event in closed] == [names[who] for *_, who in script]
        for event, (start, end, _) in zip(closed, script, strict=True):
            assert (event.start, event.end) == (pytest.approx(start, abs=0.02), pytest.approx(end, abs=0.02))

    @pytest.mark.parametrize("delay", [0.0, 0.5, 1.25])
    def test_everything_is_told_a_hop_after_the_delay(self, fake, sound, delay: float) -> None:
        events = told(streamed(fake, sound(SCRIPT, 45.0), LiveSettings(delay=delay)))
        assert all(event.end <= event.at - delay + FRAME for event in events if event.at < 45)
        growing = [event for event in events if event.state == "extended" and event.at < 45]
        assert growing and all(event.at - event.end <= delay + 0.5 + FRAME for event in growing)

    def test_a_turn_is_opened_then_extended_then_closed(self, fake, sound) -> None:
        events = told(streamed(fake, sound(SCRIPT, 45.0)))
        for number in {event.turn for event in events}:
            mine = [event for event in events if event.turn == number]
            states = [event.state for event in mine]
            assert states == ["opened", *["extended"] * (len(states) - 2), "closed"]
            assert len({event.start for event in mine}) == 1
            assert [event.end for event in mine] == sorted(event.end for event in mine)

    @pytest.mark.parametrize("seconds", [0.1, 0.75, 9.0, 10.0, 10.1, 25.0, 45.0])
    def test_the_last_word_is_what_offline_says(self, either, sound, seconds: float) -> None:
        samples = sound(SCRIPT, 45.0)[: round(seconds * RATE)]
        offline, live = Diarizer(either)(samples, RATE, uri="stream"), last_word(streamed(either, samples))
        assert as_one(live.turns) == as_one(offline.turns)
        assert (live.uri, live.seconds, live.speakers_probability) == ("stream", offline.seconds, offline.speakers_probability)

    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.integers(0, 45 * RATE), max_size=30))
    def test_pieces_of_any_size_tell_the_same(self, fake, sound, cuts: list[int]) -> None:
        samples = sound(SCRIPT, 45.0)
        with LiveDiarizer(Diarizer(fake)) as live:
            events = [event for piece in np.split(samples, sorted(cuts)) for event in live.push(piece)] + live.finish()
        assert events == streamed(fake, samples)

    def test_a_wrong_speaker_is_corrected_and_people_keep_their_names(self, fake, sound) -> None:
        everybody_is_the_first = LiveSettings(new_below=-1.0, delay=0.5)
        events = streamed(fake, sound(SCRIPT, 45.0), everybody_is_the_first)
        first = [event for event in told(events) if event.at < 11]
        assert {event.speaker for event in first} == {"speaker1"}
        relabelled = [event for event in events if isinstance(event, Relabelled)]
        assert (relabelled[0].before, relabelled[0].speaker) == ("speaker1", "speaker2")
        names = {event.turn: event.speaker for event in (*told(events), *relabelled)}
        for event in events:
            if isinstance(event, TurnTold | Relabelled):
                names[event.turn] = event.speaker
        final = last_word(events)
        for event in (event for event in told(events) if event.state == "closed"):
            middle = (event.start + event.end) / 2
            assert names[event.turn] in {turn.speaker for turn in final.turns if turn.start <= middle <= turn.end}

    def test_people_who_were_taken_for_one_for_a_while_get_their_names_back(self, fake, sound) -> None:
        diarizer, clusterings = Diarizer(fake), count()
        right = diarizer.clustering

        class OnceWrong(type(right)):
            def __call__(self, windows: Windows, *bounds: int) -> Clusters:
                return Clusters(np.zeros(len(windows), int), 0.5) if next(clusterings) == 3 else right(windows, *bounds)

        diarizer.clustering = OnceWrong(right.config, right.backend)
        with LiveDiarizer(diarizer) as live:
            events = live.push(sound(conversation(minutes=1), 60.0)) + live.finish()
        names = {event.turn: event.speaker for event in told(events)}
        relabelled = [event for event in events if isinstance(event, Relabelled)]
        assert {event.speaker for event in relabelled} > {"speaker1"}  # taken for one, and told apart again
        assert {event.speaker for event in (*told(events), *relabelled)} == {"speaker1", "speaker2", "speaker3"}
        names |= {event.turn: event.speaker for event in relabelled}
        assert names == {event.turn: f"speaker{round(event.start / 5) % 3 + 1}" for event in told(events)}

    def test_somebody_who_has_hardly_spoken_is_not_given_to_another_by_the_next_clustering(self, fake, sound) -> None:
        script = [*conversation(minutes=1), (60.5, 61.6, 3), (70.0, 74.0, 3)]  # 1.1 s: less than clustering asks of anybody
        events = streamed(fake, sound(script, 75.0))
        assert not [event for event in events if isinstance(event, Relabelled)]
        assert [event.speaker for event in told(events) if event.state == "opened"][-2:] == ["speaker4", "speaker4"]

    def test_beside_the_looks_every_second_is_encoded_once_as_offline(self, fake, sound) -> None:
        offline, looked, beside, encode = type(fake)(), [], [], fake.encode
        samples = sound(conversation(minutes=1), 60.0)

        def encoded(waveform: np.ndarray) -> np.ndarray:
            (beside if threading.current_thread().name.startswith("fastdiar-live") else looked).append(len(waveform))
            return encode(waveform)

        fake.encode = encoded
        streamed(fake, samples)
        Diarizer(offline)(samples, RATE)
        assert beside == offline.encoded
        assert len(samples) <= sum(beside) <= len(samples) + SHORTEST_CONTEXT  # the last chunk may need some to be long enough
        assert len(looked) <= 121 and max(looked) <= SHORTEST_CONTEXT

    def test_a_look_at_silence_is_not_encoded(self, fake, sound) -> None:
        streamed(fake, np.zeros(25 * RATE, np.float32))
        assert fake.encoded == []
        streamed(fake, sound([(1.0, 2.0, 0)], 60.0))
        of_the_past, seconds_of_looks = 1, 1 + 1 + 10  # in which it is spoken, was lately, and was within the context
        assert len(fake.encoded) <= of_the_past + seconds_of_looks / LiveSettings().hop + 1

    def test_silence_tells_nothing(self, either) -> None:
        events = streamed(either, np.zeros(25 * RATE, np.float32))
        assert len(events) == 1 and last_word(events).turns == ()

    def test_too_short_a_stream_is_an_error(self, fake) -> None:
        for samples in (0, 100):
            with pytest.raises(AudioError, match=r"^stream: holds only .* of sound: expected at least 100 ms$"):
                streamed(fake, np.zeros(samples, np.float32))

    def test_a_model_that_fails_in_the_thread_is_told_of(self, fake, sound) -> None:
        def broken(waveforms: np.ndarray) -> np.ndarray:
            if waveforms.shape[1] > 6 * RATE:
                raise ModelError("the model failed")
            return type(fake).activity(fake, waveforms)

        fake.activity = broken
        with pytest.raises(ModelError, match="the model failed"):
            streamed(fake, sound(SCRIPT, 45.0))

    def test_events_are_lines_of_json(self, fake, sound) -> None:
        lines = [json.loads(to_json(event)) for event in streamed(fake, sound(SCRIPT, 45.0), LiveSettings(new_below=-1.0))]
        assert {line["event"] for line in lines} == {"turn", "relabel", "final"}
        assert [*lines[0]] == ["event", "at", "state", "turn", "start", "end", "speaker"]
        assert (lines[0]["event"], lines[0]["state"], lines[0]["turn"], lines[0]["speaker"]) == ("turn", "opened", 0, "speaker1")
        assert [*lines[-1]] == ["event", "at", "seconds", "speakers", "turns"]
        assert [*lines[-1]["turns"][0]] == ["start", "end", "speaker", "confidence"]


class TestALongStream:
    HORIZON = LiveSettings(hop=1.0, horizon=60.0)

    @pytest.mark.parametrize("seconds", [70.0, 150.0])  # the first ends just as the thread settles what is old
    def test_beyond_the_horizon_turns_are_settled_and_names_last(self, fake, sound, seconds: float) -> None:
        script = conversation(minutes=seconds / 60)
        final = last_word(streamed(fake, sound(script, seconds), self.HORIZON))
        assert final.seconds == seconds
        assert [turn.speaker for turn in final.turns] == [f"speaker{who + 1}" for *_, who in script]
        for turn, (start, end, _) in zip(final.turns, script, strict=True):
            assert (turn.start, turn.end) == (pytest.approx(start, abs=0.03), pytest.approx(end, abs=0.03))

    def test_memory_stays_what_it_was(self, fake, sound) -> None:
        """Four horizons long; what is held after the second is all that is ever held, but for the turns."""
        samples = sound(conversation(minutes=0.5), 30.0)
        held = []
        tracemalloc.start()
        with LiveDiarizer(Diarizer(fake), settings=LiveSettings(hop=2.0, horizon=60.0)) as live:
            for _ in range(8):
                live.push(samples)
                held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert max(held[5:]) < 1.05 * max(held[2:5])


@pytest.fixture(scope="module")
def live_dialogue(quality, dialogue: np.ndarray) -> list[Event]:
    """What is told of the dialogue, as the model that ships hears it."""
    return streamed(quality.model, dialogue, piece=8000)


class TestTheModelThatShips:
    def test_hears_the_four_voices_while_they_speak(self, live_dialogue: list[Event]) -> None:
        assert {event.speaker for event in told(live_dialogue)} == {f"speaker{number}" for number in range(1, 5)}

    def test_has_offlines_last_word(self, live_dialogue: list[Event], quality, dialogue: np.ndarray) -> None:
        assert as_one(last_word(live_dialogue).turns) == as_one(quality(dialogue, RATE).turns)
