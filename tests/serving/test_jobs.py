"""Jobs: taken in, run by a process of their own, never lost and never done twice, whatever is killed."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("granian")

import httpx
from starlette.testclient import TestClient

from fastdiar.core.types import Diarization
from fastdiar.diarization.diarizer import load
from fastdiar.serving.app import create
from fastdiar.serving.jobs.runner import run
from fastdiar.serving.jobs.table import MOST_ATTEMPTS, STRAY_SECONDS, JobTable
from fastdiar.serving.service import Service
from fastdiar.serving.settings import ServeSettings
from tests.serving.conftest import DIALOGUE, children, running, wait_for

KILLS = int(os.environ.get("FASTDIAR_KILLS", "1"))
"""How often everything is killed; `make kills` does it twenty times."""


@pytest.fixture
def table(tmp_path: Path) -> JobTable:
    return JobTable(tmp_path)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(ServeSettings(model="quickstart", jobs=tmp_path_factory.mktemp("service")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def long_talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dialogue three times, one after the other."""
    samples, rate = soundfile.read(DIALOGUE, dtype="float32")
    path = tmp_path_factory.mktemp("talk") / "recording.wav"
    soundfile.write(path, np.tile(samples, 3), rate)
    return path


@pytest.fixture(scope="module")
def expected(long_talk: Path) -> Diarization:
    return load("quickstart")(long_talk)


def test_a_job_from_its_recording_to_its_result(table: JobTable, service: Service) -> None:
    job = table.add(io.BytesIO(DIALOGUE.read_bytes()), {"num_speakers": 2, "uri": "talk", "embeddings": True})
    assert (job.state, table.recording(job.id).read_bytes()) == ("queued", DIALOGUE.read_bytes())
    taken = table.take()
    assert taken is not None and (taken.id, taken.state, taken.attempts) == (job.id, "running", 1)
    assert table.take() is None
    run(service, table, taken)
    done = table.get(job.id)
    assert done is not None and (done.state, done.progress) == ("done", 1)
    told = json.loads(done.result or "")
    assert (
        told["uri"] == "talk"
        and len(told["speakers"]) == 2
        and len(told["speakers"][0]["embedding"]) == service.model.bundle.embedding
    )
    assert not table.recording(job.id).exists()
    table.forget_finished(0)
    assert table.get(job.id) is None


@pytest.mark.parametrize(
    ("recording", "words"), [(b"no sound", "recording: not a recording that can be read"), (b"", "is empty")]
)
def test_a_job_that_cannot_be_done(table: JobTable, service: Service, recording: bytes, words: str) -> None:
    table.add(io.BytesIO(recording), {})
    job = table.take()
    assert job is not None
    run(service, table, job)
    failed = table.get(job.id)
    assert failed is not None and failed.state == "failed" and words in (failed.error or "")


def test_one_key_is_one_job(table: JobTable) -> None:
    first, other = (table.add(io.BytesIO(b"a"), {}, key) for key in ("one", "two"))
    assert table.add(io.BytesIO(b"b"), {}, "one") == first
    assert table.counts() == {"queued": 2, "running": 0, "done": 0, "failed": 0}
    assert sorted(path.name for path in table.folder.glob("*.recording*")) == sorted(
        f"{each.id}.recording" for each in (first, other)
    )


def test_what_was_left_running_is_queued_again(table: JobTable) -> None:
    job = table.add(io.BytesIO(b"a"), {})
    stray, fresh = table.recording("stray"), table.recording("fresh")
    for path in (stray, fresh):
        path.write_bytes(b"x")
    os.utime(stray, (0, time.time() - 2 * STRAY_SECONDS))
    assert table.take() is not None
    with table.alone():
        again = table.take()
    assert again is not None and (again.id, again.attempts) == (job.id, 2)
    assert not stray.exists() and fresh.exists() and table.recording(job.id).exists()


def test_a_job_that_takes_its_process_down_is_given_up(table: JobTable, service: Service) -> None:
    table.add(io.BytesIO(b"a"), {})
    for _ in range(MOST_ATTEMPTS + 1):
        job = table.take()
        with table.alone():
            pass
    assert job is not None
    run(service, table, job)
    given_up = table.get(job.id)
    assert given_up is not None and given_up.state == "failed" and "down" in (given_up.error or "")


def test_a_job_that_is_cancelled_while_it_runs_ends(table: JobTable, service: Service, long_talk: Path) -> None:
    with long_talk.open("rb") as recording:
        table.add(recording, {})
    job = table.take()
    assert job is not None and table.forget(job.id)
    assert not table.forget(job.id)
    table.recording(job.id).write_bytes(long_talk.read_bytes())
    run(service, table, job)
    assert table.get(job.id) is None


def test_asking_for_jobs(client: TestClient) -> None:
    answer = client.post("/v1/jobs", content=b"anything", headers={"Idempotency-Key": "mine"})
    assert answer.status_code == 202, answer.text
    place = answer.headers["location"]
    told = client.get(place).json()
    assert (told["state"], told["progress"], told["result"]) == ("queued", 0, None)
    assert client.post("/v1/jobs", content=b"anything", headers={"Idempotency-Key": "mine"}).json() == told
    early = client.get(place, headers={"Accept": "text/x-rttm"})
    assert (early.status_code, early.json()["detail"]) == (409, "the job is queued")
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == client.delete(place).status_code == 404
    assert client.get("/v1/jobs/..%2f..%2fetc%2fpasswd").status_code == 404


def test_too_many_jobs(tmp_path: Path) -> None:
    with TestClient(create(ServeSettings(model="quickstart", jobs=tmp_path, most_jobs=1)), "http://localhost") as asking:
        assert asking.post("/v1/jobs", content=b"a").status_code == 202
        refused = asking.post("/v1/jobs", content=b"a")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")


@pytest.mark.parametrize("number", range(KILLS))
def test_jobs_outlive_whatever_is_killed(tmp_path: Path, long_talk: Path, expected: Diarization, number: int) -> None:
    jobs = []
    with running(tmp_path) as (process, address):
        jobs += [submitted(address, long_talk, f"job {each}") for each in range(2)]
        wait_for(lambda: any(0 < look(address, job)["progress"] < 1 for job in jobs), "a job to run")
        os.kill(next(pid for pid, command in children(process.pid).items() if "runner" in command), signal.SIGKILL)
        wait_for(lambda: look(address, jobs[0])["state"] == "done", "the job that was killed")
        process.kill()
    with running(tmp_path) as (_, address):
        assert [submitted(address, long_talk, f"job {each}") for each in range(2)] == jobs
        wait_for(lambda: look(address, jobs[1])["state"] == "done", "the job of the server that was killed")
        for job in jobs:
            assert look(address, job)["result"]["turns"] == json.loads(expected.to_json())["turns"]
        rttm = httpx.get(f"{address}/v1/jobs/{jobs[0]}", headers={"Accept": "text/x-rttm"}).text
    assert rttm == expected.to_rttm()


def submitted(address: str, recording: Path, key: str) -> str:
    """The id of a job."""
    answer = httpx.post(f"{address}/v1/jobs", content=recording.read_bytes(), headers={"Idempotency-Key": key}, timeout=60)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def look(address: str, job: str) -> dict[str, object]:
    answer = httpx.get(f"{address}/v1/jobs/{job}", timeout=60)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
