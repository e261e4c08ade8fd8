"""Whatever strangers' files and messages hold, what comes of them is what they say, or an error in words.

For 8 seconds in all, or so many as FASTDIAR_FUZZ_SECONDS says: CI takes a minute beside its other work, `make fuzz` ten.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from fastdiar.core.errors import FastdiarError, FormatError
from fastdiar.core.formats import FORMATS, read_turns
from fastdiar.core.types import Diarization, Turn

T = TypeVar("T")
E = TypeVar("E", bound=Exception)
SECONDS = float(os.environ.get("FASTDIAR_FUZZ_SECONDS", "8"))
RECIPES = Path(__file__).resolve().parents[1] / "recipes"
EXAMPLES_A_ROUND = 40
LONGEST_SOUND = 20_000
"""Samples of a message to a stream."""
HEADER = 256
"""Bytes at a recording's beginning, most of which its decoder goes by."""


def fuzzed(strategy: st.SearchStrategy[T], check: Callable[[T], None], seconds: float) -> None:
    """Check what the strategy makes, round by round, until so many seconds are over."""
    end = time.monotonic() + seconds
    for number in itertools.count():

        @seed(number)
        @settings(max_examples=EXAMPLES_A_ROUND, database=None, deadline=None, suppress_health_check=list(HealthCheck))
        @given(strategy)
        def once(data: T) -> None:
            if time.monotonic() < end:
                check(data)

        once()
        if time.monotonic() >= end:
            return


def outcome(work: Callable[[], T], expected: type[E]) -> tuple[T | None, E | None]:
    """What `work` returns, or the error that it may raise; any other is a failure."""
    try:
        return work(), None
    except expected as error:
        return None, error


@st.composite
def changed(draw: st.DrawFn, originals: list[bytes], within: int) -> bytes:
    """One of the originals with a few of its first bytes changed, left out or put in; perhaps cut off."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, min(within, len(data)) - 1)))
        new = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]))
        )
        data[place : place + draw(st.integers(0, 4))] = new
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, write_m4a: Callable[[Path, np.ndarray, int], None]) -> list[bytes]:
    """The same sound in every container."""
    sound = (0.1 * np.sin(np.arange(4000) / 10)).astype(np.float32)
    made = []
    for kind in ("WAV", "FLAC", "OGG", "MP3", "AIFF", "AU", "W64", "CAF"):
        file = io.BytesIO()
        soundfile.write(file, sound, 16_000, format=kind)
        made.append(file.getvalue())
    path = tmp_path_factory.mktemp("sound") / "sound.m4a"
    write_m4a(path, sound, 16_000)
    return [*made, path.read_bytes()]


def test_recordings(recordings: list[bytes]) -> None:
    pytest.importorskip("granian")
    from fastdiar.serving.decoding import Decoders
    from fastdiar.serving.problems import Problem
    from fastdiar.serving.settings import ServeSettings

    decoders = Decoders(ServeSettings(decode_seconds=20))

    def check(data: bytes) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            samples, problem = outcome(lambda: decoders.decode(file, "mix", 60), Problem)
        if samples is not None:
            assert samples.dtype == np.float32 and samples.ndim == 1 and np.isfinite(samples).all()
        else:
            assert problem.status_code in (413, 422)
            assert problem.detail.startswith("recording: ") and "/proc" not in problem.detail

    fuzzed(changed(recordings, HEADER), check, SECONDS * 3 / 8)
    decoders.close()


@pytest.mark.parametrize("name", FORMATS)
def test_turns(name: str, tmp_path: Path) -> None:
    turns = (Turn(0.5, 1.25, "ann", 0.5), Turn(1.0, 2.0, "Bob Ö"))
    original = FORMATS[name].write(Diarization("talk", turns, 2.0)).encode()
    path = tmp_path / "turns"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        found, error = outcome(lambda: read_turns(path, name), FormatError)
        if found is None:
            assert str(error).startswith(str(path))
        else:
            assert all(turn.end > turn.start >= 0 for each in found for turn in each.turns)

    fuzzed(st.one_of(changed([original], len(original)), st.binary(max_size=200)), check, SECONDS / 4 / len(FORMATS))


@st.composite
def recipe(draw: st.DrawFn) -> bytes:
    """A recipe that ships with a few of its values replaced, and a few bytes changed."""
    lines = draw(st.sampled_from(sorted(RECIPES.glob("*.toml")))).read_text(encoding="utf-8").splitlines()
    values = ["-1", "0", "1e400", "nan", '"x"', "[]", "[[1]]", "{}", "true", "9" * 400, '"\\u0000"', "1979-05-27"]
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        key, equals, _ = lines[place].partition("=")
        lines[place] = f"{key}= {draw(st.sampled_from(values))}" if equals else draw(st.sampled_from(lines))
    text = "\n".join(lines).encode()
    return draw(st.one_of(st.just(text), changed([text], len(text))))


def test_recipes(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from fastdiar.recipe import read_recipe

    path = tmp_path / "recipe.toml"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        read, error = outcome(lambda: read_recipe(path), FastdiarError)
        assert read is not None or str(error)

    fuzzed(recipe(), check, SECONDS / 8)


@st.composite
def conversation(draw: st.DrawFn) -> tuple[str, list[bytes | str]]:
    """What a client asks of a stream, and the messages that it sends: mostly sound, of any rate, which may be anything."""
    keys = st.sampled_from(["rate", "channels", "Rate", "rate[]", ""])
    values = st.one_of(st.sampled_from(["8000", "16000", "48000", "1", "2", "-1", "1e4", "", "nan"]), st.text(max_size=5))
    query = urlencode(draw(st.lists(st.tuples(keys, values), max_size=3)))
    sound = st.builds(lambda sample, count: sample * count, st.binary(min_size=2, max_size=2), st.integers(0, LONGEST_SOUND))
    messages = st.one_of(sound, sound, st.binary(max_size=64), st.text(max_size=8), st.just("end"))
    return query, draw(st.lists(messages, max_size=4))


def test_stream_messages(tmp_path: Path) -> None:
    pytest.importorskip("granian")
    from starlette.testclient import TestClient
    from starlette.websockets import WebSocketDisconnect

    from fastdiar.serving.app import create
    from fastdiar.serving.settings import ServeSettings

    settings = ServeSettings(model="quickstart", jobs=tmp_path, stream_idle_seconds=20)
    with TestClient(create(settings), "http://localhost") as asking:

        def told(query: str, messages: list[bytes | str]) -> tuple[list[str], int]:
            """What events came, and the code of the end."""
            events = []
            try:
                with asking.websocket_connect(f"ws://localhost/v1/stream?{query}") as socket:
                    for message in (*messages, "end"):
                        socket.send_bytes(message) if isinstance(message, bytes) else socket.send_text(message)
                    while True:
                        events.append(json.loads(socket.receive_text())["event"])
            except WebSocketDisconnect as end:
                return events, end.code

        def check(data: tuple[str, list[bytes | str]]) -> None:
            events, code = told(*data)
            assert code in (1000, 1007, 1008)
            assert events.count("final") == (code == 1000) and set(events) <= {"turn", "relabel", "final"}

        assert told("rate=8000", [bytes(LONGEST_SOUND)]) == (["final"], 1000)
        fuzzed(conversation(), check, SECONDS / 4)
