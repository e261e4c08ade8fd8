"""`POST /v1/diarize` answers what `fastdiar diarize` writes."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

pytest.importorskip("granian")

from starlette.testclient import TestClient

from fastdiar.diarization.diarizer import Diarizer, load

DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"


@pytest.fixture(scope="module")
def diarizer() -> Diarizer:
    return load("quickstart")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the dialogue."""
    path = tmp_path_factory.mktemp("talk") / "talk.flac"
    samples, rate = soundfile.read(DIALOGUE, stop=20 * 16_000, dtype="int16")
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture(scope="module")
def speech(talk: Path) -> bytes:
    return talk.read_bytes()


def test_json_is_what_the_command_line_writes(client: TestClient, diarizer: Diarizer, talk: Path, speech: bytes) -> None:
    answer = client.post("/v1/diarize", content=speech, params={"name": "talk"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads(diarizer(talk).to_json())


def test_a_form_s_file_as_rttm(client: TestClient, diarizer: Diarizer, talk: Path, speech: bytes) -> None:
    wished = {"num_speakers": 2, "exclusive": True, "name": "my talk"}
    answer = client.post("/v1/diarize", files={"file": ("../../x", speech)}, params=wished, headers={"Accept": "text/x-rttm"})
    assert answer.headers["content-type"].startswith("text/x-rttm")
    assert answer.text == diarizer(talk, num_speakers=2, exclusive=True, uri="my talk").to_rttm()


def test_voices_are_told_where_they_are_asked_for(client: TestClient, diarizer: Diarizer, talk: Path, speech: bytes) -> None:
    people = client.post("/v1/diarize", content=speech, params={"embeddings": True}).json()["speakers"]
    assert np.allclose(
        [each["embedding"] for each in people], [voice.vector for voice in diarizer(talk).voices.values()], atol=1e-6
    )


def test_a_channel_for_each_person(client: TestClient, diarizer: Diarizer, tmp_path: Path) -> None:
    mono, rate = soundfile.read(DIALOGUE, stop=20 * 16_000, dtype="float32")
    soundfile.write(tmp_path / "two.wav", np.stack([mono, mono[::-1]], axis=1), rate)
    data = (tmp_path / "two.wav").read_bytes()
    split = client.post("/v1/diarize", content=data, params={"channel": "split", "name": "two"}).json()
    assert split == json.loads(diarizer(tmp_path / "two.wav", channel="split").to_json())
    second = client.post("/v1/diarize", content=data, params={"channel": "1", "name": "two"}).json()
    assert second == json.loads(diarizer(tmp_path / "two.wav", channel=1).to_json())


@pytest.mark.parametrize(
    ("body", "params", "headers", "status", "words"),
    [
        (b"", {}, {}, 422, "recording: is empty: 0 bytes"),
        (b"no sound", {}, {}, 422, "recording: not a recording that can be read"),
        (b"x", {"num_speakers": 0}, {}, 422, "num_speakers: Input should be greater than or equal to 1"),
        (b"x", {"channel": "left"}, {}, 422, "channel: expected a number from 0, mix, or split"),
        (b"x", {}, {"Accept": "image/png"}, 406, "can be answered as application/json, text/x-rttm, application/x-subrip"),
        (b"x", {}, {"Content-Type": "multipart/form-data"}, 400, "boundary"),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nmeeting.wav\r\n--x--\r\n',  # forgot the @ of curl -F
            {},
            {"Content-Type": "multipart/form-data; boundary=x"},
            400,
            "expected a form with one file, in its field 'file', and nothing else",
        ),
    ],
)
def test_what_is_wrong_with_a_request(
    client: TestClient, body: bytes, params: dict[str, object], headers: dict[str, str], status: int, words: str
) -> None:
    answer = client.post("/v1/diarize", content=body, params=params, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["type"]) == (status, status, "about:blank")
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in problem["detail"]


def test_speakers_given_twice(client: TestClient, speech: bytes) -> None:
    answer = client.post("/v1/diarize", content=speech, params={"num_speakers": 2, "max_speakers": 3})
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "the number of speakers is given twice: as a number and as a minimum or maximum",
    )


def test_a_server_answers_over_the_wire(server: str, diarizer: Diarizer, talk: Path, speech: bytes) -> None:
    answer = httpx.post(f"{server}/v1/diarize", content=speech, params={"name": "talk"}, timeout=60)
    assert answer.json() == json.loads(diarizer(talk).to_json())
    assert httpx.get(f"{server}/v1/health").json() == {"status": "ok", "model": "quickstart"}
