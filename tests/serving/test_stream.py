"""`WS /v1/stream`: events as they come, and a reason for every end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("granian")
pytest.importorskip("httpx")

from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from fastdiar.serving.app import create
from fastdiar.serving.settings import ServeSettings

DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"
RATE = 16_000


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Takes one stream of three seconds at most, and waits half a second for more of it."""
    folder = tmp_path_factory.mktemp("jobs")
    settings = ServeSettings(
        model="quickstart", jobs=folder, most_streams=1, longest_stream_hours=3 / 3600, stream_idle_seconds=0.5
    )
    with TestClient(create(settings), "http://localhost") as asking:
        yield asking


def until_closed(socket: WebSocketTestSession) -> tuple[list[dict], int, str]:
    """All events, then the code and the reason of the end."""
    events = []
    while True:
        try:
            events.append(json.loads(socket.receive_text()))
        except WebSocketDisconnect as end:
            return events, end.code, end.reason


def test_a_conversation_is_told_as_it_goes_on(client: TestClient) -> None:
    samples = soundfile.read(DIALOGUE, frames=8 * RATE, dtype="int16")[0]
    with client.websocket_connect("ws://localhost/v1/stream?rate=16000&channels=2") as socket:
        for piece in np.array_split(np.stack([samples, samples], axis=1), 40):
            socket.send_bytes(piece.tobytes())
        socket.send_text("end")
        events, code, _ = until_closed(socket)
    assert [event["event"] for event in events].count("final") == 1 and events[-1]["event"] == "final"
    assert {turn["speaker"] for turn in events[-1]["turns"]} == {"speaker1", "speaker2"}
    assert events[0] == {**events[0], "event": "turn", "state": "opened", "turn": 0, "speaker": "speaker1"}
    assert code == 1000


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("hello", 1007, "expected 16-bit samples in binary messages, then the text 'end'"),
        ("end", 1007, "stream: holds only 0 ms of sound: expected at least 100 ms"),
        (b"123", 1007, "3 bytes are not whole 16-bit samples of 1 channels"),
        (bytes(4 * RATE * 2), 1008, "a stream lasts at most 0.000833333 hours"),
        (bytes((1 << 20) + 2), 1009, "a message has at most 1048576 bytes"),
        (None, 1008, "nothing came for 0.5 s"),
    ],
)
def test_every_end_has_its_reason(narrow: TestClient, message: str | bytes | None, code: int, reason: str) -> None:
    with narrow.websocket_connect("ws://localhost/v1/stream") as socket:
        if isinstance(message, bytes):
            socket.send_bytes(message)
        elif message is not None:
            socket.send_text(message)
        assert until_closed(socket) == ([], code, reason)


def test_one_stream_too_many_is_asked_to_come_again_and_a_lost_one_makes_room(narrow: TestClient) -> None:
    with narrow.websocket_connect("ws://localhost/v1/stream") as first:
        first.send_bytes(bytes(RATE))
        with narrow.websocket_connect("ws://localhost/v1/stream") as second:
            assert until_closed(second) == ([], 1013, "the server hears 1 streams, and no more at once: come again")
    with narrow.websocket_connect("ws://localhost/v1/stream") as third:
        third.send_bytes(bytes(2 * RATE))
        third.send_text("end")
        events, code, _ = until_closed(third)
    assert ([event["event"] for event in events], code) == (["final"], 1000)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("rate=10", "rate: Input should be greater than or equal to 1000"),
        ("rate=x", "rate: Input should be a valid integer, unable to parse string as an integer"),
        ("channels=0", "channels: Input should be greater than or equal to 1"),
        ("channels=99", "channels: Input should be less than or equal to 16"),
    ],
)
def test_what_cannot_be_is_refused(narrow: TestClient, query: str, reason: str) -> None:
    with narrow.websocket_connect(f"ws://localhost/v1/stream?{query}") as socket:
        assert until_closed(socket) == ([], 1008, reason)


def test_a_parameter_that_does_not_exist(narrow: TestClient) -> None:
    with narrow.websocket_connect("ws://localhost/v1/stream?rat=8000") as socket:
        reason = "no parameter 'rat' (did you mean 'rate'?): there are channels, rate"
        assert until_closed(socket) == ([], 1008, reason)


def test_pages_of_other_servers_are_refused(narrow: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        narrow.websocket_connect("ws://localhost/v1/stream", headers={"Origin": "http://evil"}),
    ):
        pass
    assert refused.value.code == 1008
