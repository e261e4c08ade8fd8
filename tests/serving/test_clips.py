"""The voice in a clip: as vector, as one of those enrolled, as one of the model's speakers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np
import pytest

pytest.importorskip("granian")

from starlette.testclient import TestClient

from fastdiar.core import audio
from fastdiar.core.bundle import write_bundle
from fastdiar.core.types import RATE
from fastdiar.core.voices import KnownVoice, KnownVoices, write_known
from fastdiar.diarization.model import Model, find_model
from fastdiar.serving.app import create
from fastdiar.serving.problems import Problem
from fastdiar.serving.service import Service
from fastdiar.serving.settings import ServeSettings
from tests.serving.conftest import as_wav

DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(find_model("quickstart"))


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    return audio.read(DIALOGUE, 1.0, 3.0)


@pytest.fixture(scope="module")
def wav(clip: np.ndarray) -> bytes:
    return as_wav(clip)


@pytest.fixture(scope="module")
def naming(tmp_path_factory: pytest.TempPathFactory, model: Model, clip: np.ndarray) -> Iterator[TestClient]:
    """Asks an application that knows the clip's voice as Ann, and another as Bob."""
    ann = model.voice(clip)
    bob = np.roll(ann, 1)
    people = [
        KnownVoice(name, 3.0, tuple((vector / np.linalg.norm(vector)).tolist())) for name, vector in (("Bob", bob), ("Ann", ann))
    ]
    path = tmp_path_factory.mktemp("known") / "known.json"
    write_known(path, KnownVoices(model.bundle.identity, tuple(people)))
    with TestClient(create(ServeSettings(model="quickstart", known=path, jobs=path.parent)), "http://localhost") as asking:
        yield asking


def test_a_voice(client: TestClient, model: Model, clip: np.ndarray, wav: bytes) -> None:
    for answer in (client.post("/v1/embed", content=wav), client.post("/v1/embed", files={"file": wav})):
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["model"], told["checksum"]) == (model.bundle.identity.name, model.bundle.identity.checksum)
        (voice,) = told["embeddings"]
        assert (voice["speaker"], voice["seconds"]) == (None, 3.0)
        assert np.allclose(voice["embedding"], model.voice(clip), atol=1e-6)


def test_a_voice_for_each_speaker(client: TestClient) -> None:
    voices = client.post("/v1/embed", content=DIALOGUE.read_bytes(), params={"per_speaker": True}).json()["embeddings"]
    assert len(voices) > 1
    assert all(abs(np.linalg.norm(each["embedding"]) - 1) < 1e-4 for each in voices)


def test_who_of_those_enrolled_it_is(naming: TestClient, wav: bytes) -> None:
    told = naming.post("/v1/identify", content=wav).json()
    assert told["name"] == "Ann"
    assert [each["name"] for each in told["likest"]] == ["Ann", "Bob"]
    assert told["likest"][0]["cosine"] == pytest.approx(1, abs=1e-4)
    assert len(naming.post("/v1/identify", content=wav, params={"most": 1}).json()["likest"]) == 1


def test_somebody_unknown(naming: TestClient) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
    assert naming.post("/v1/identify", content=as_wav(noise)).json()["name"] is None


def test_nobody_is_enrolled(client: TestClient, wav: bytes) -> None:
    answer = client.post("/v1/identify", content=wav)
    assert (answer.status_code, answer.json()["detail"]) == (404, "nobody is enrolled: the server was started without --known")


def test_a_model_without_a_head_for_speakers() -> None:
    with pytest.raises(Problem, match="the model 'quality' has no head for speakers") as refused:
        _ = Service(ServeSettings(model="quality")).labels
    assert refused.value.status_code == 404


def test_clips_have_a_length(client: TestClient) -> None:
    long = client.post("/v1/embed", content=as_wav(np.zeros(31 * RATE, np.float32)))
    assert (long.status_code, long.json()["detail"]) == (413, "recording: 31.0 s long: at most 30 s are taken")
    short = client.post("/v1/embed", content=as_wav(np.zeros(100, np.float32)))
    assert (short.status_code, short.json()["detail"]) == (422, "recording: holds only 6 ms of sound")


def test_which_of_its_speakers_a_model_hears(client: TestClient, model: Model, clip: np.ndarray, wav: bytes) -> None:
    told = client.post("/v1/classify", content=wav, params={"most": 1000}).json()["speakers"]
    assert told[0]["speaker"] == model.bundle.labels[int(model.classify(clip).argmax())]
    assert len(told) == min(1000, len(model.bundle.labels))
    assert 0.99 < sum(each["probability"] for each in told) <= 1.0001
    assert [each["probability"] for each in told] == sorted((each["probability"] for each in told), reverse=True)
    assert client.post("/v1/classify", content=wav).json()["speakers"] == told[:5]


def test_a_model_that_only_knows_voices(model: Model, wav: bytes, tmp_path: Path) -> None:
    shutil.copytree(model.folder, tmp_path / "voices")
    write_bundle(tmp_path / "voices", attrs.evolve(model.bundle, activity=None, diarization={}))
    with TestClient(create(ServeSettings(model=str(tmp_path / "voices"), jobs=tmp_path)), "http://localhost") as asking:
        assert asking.post("/v1/classify", content=wav).status_code == 200
        refused = asking.post("/v1/diarize", content=wav)
    assert refused.status_code == 404
    assert "does not say when somebody speaks" in refused.json()["detail"]
