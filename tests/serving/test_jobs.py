"""Jobs: taken in, run by a process of their own, never lost and never done twice, whatever is killed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import numpy as np
import pytest
import soundfile

pytest.importorskip("granian")

import httpx
from starlette.testclient import TestClient

from fastdiar.__main__ import run as cli
from fastdiar.core.bundle import read_bundle
from fastdiar.core.structure import unstructure
from fastdiar.core.types import Diarization
from fastdiar.diarization.diarizer import load
from fastdiar.diarization.model import find_model
from fastdiar.serving.app import create
from fastdiar.serving.jobs.runner import run
from fastdiar.serving.jobs.sqlite import SqliteJobs
from fastdiar.serving.jobs.table import MOST_ATTEMPTS, STRAY_SECONDS, JobTable
from fastdiar.serving.jobs.tables import job_table
from fastdiar.serving.problems import Unreachable
from fastdiar.serving.service import Service
from fastdiar.serving.settings import VARIABLE, ServeSettings
from tests.serving.conftest import DIALOGUE, KILLS, children, running, wait_for

LEASE_SECONDS = 0.2


@pytest.fixture(params=["sqlite", "redis"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> JobTable:
    return SqliteJobs(tmp_path) if request.param == "sqlite" else in_redis(request, tmp_path)


def in_redis(request: pytest.FixtureRequest, folder: Path) -> JobTable:
    """Another process's view of the jobs of a folder; its lease is not renewed unless it is at work."""
    from fastdiar.serving.jobs.redis import RedisJobs

    return RedisJobs(folder, request.getfixturevalue("redis_server"), lease=LEASE_SECONDS)


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
    with table.working():
        again = wait_for(table.take, "the job again")
    assert (again.id, again.attempts) == (job.id, 2)
    assert not stray.exists() and fresh.exists() and table.recording(job.id).exists()


def test_what_is_done_is_not_put_back(table: JobTable) -> None:
    table.add(io.BytesIO(b"a"), {})
    with table.working():
        job = wait_for(table.take, "the job")
        table.finish(job, result="turns")
        table.put_back(job)
    kept = table.get(job.id)
    assert kept is not None and (kept.state, kept.result, kept.attempts) == ("done", "turns", 1)


def test_a_job_that_takes_its_process_down_is_given_up(table: JobTable, service: Service) -> None:
    table.add(io.BytesIO(b"a"), {})
    for attempt in range(MOST_ATTEMPTS + 1):
        with table.working():
            job = wait_for(table.take, f"attempt {attempt + 1}")
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


class TestSeveralMachines:
    """Each runs jobs, and all have one Redis and one folder."""

    @pytest.fixture
    def machines(self, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[JobTable, JobTable]:
        return in_redis(request, tmp_path), in_redis(request, tmp_path)

    def test_a_job_is_run_by_one_of_them(self, machines: tuple[JobTable, JobTable]) -> None:
        first, second = machines
        jobs = {first.add(io.BytesIO(b"a"), {}).id for _ in range(2)}
        taken = [table.take() for table in machines]
        assert {job.id for job in taken if job is not None} == jobs
        assert first.told(taken[0], 0.5) and not second.told(taken[0], 0.7)
        assert second.get(taken[0].id).progress == 0.5

    def test_who_works_keeps_the_lease(self, machines: tuple[JobTable, JobTable]) -> None:
        first, second = machines
        first.add(io.BytesIO(b"a"), {})
        with first.working():
            job = first.take()
            time.sleep(3 * LEASE_SECONDS)
            assert second.take() is None and first.told(job, 0.5)

    def test_who_was_thought_dead_is_not_listened_to(self, machines: tuple[JobTable, JobTable]) -> None:
        first, second = machines
        job = first.add(io.BytesIO(b"a"), {})
        late = first.take()
        time.sleep(1.1 * LEASE_SECONDS)
        again = second.take()
        assert again is not None and (again.id, again.attempts) == (job.id, 2)
        assert not first.told(late, 0.5)
        first.finish(late, result="late")
        first.put_back(late)
        assert second.get(job.id) == again and second.recording(job.id).exists()
        second.finish(again, result="good")
        assert first.get(job.id).result == "good" and not first.recording(job.id).exists()

    def test_an_answer_that_was_lost_makes_no_difference(self, machines: tuple[JobTable, JobTable]) -> None:
        table, _ = machines
        job = table.add(io.BytesIO(b"a"), {}, "key")
        assert table._add(job, "key") and table.counts()["queued"] == 1
        lost = table.take()
        assert lost is not None and table.take() is None
        time.sleep(1.1 * LEASE_SECONDS)
        assert table.take() == attrs.evolve(lost, attempts=2)

    def test_one_that_dies_leaves_its_job_to_another(
        self, tmp_path: Path, redis_server: str, long_talk: Path, expected: Diarization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = ServeSettings(model="quickstart", jobs=tmp_path, redis=redis_server)
        monkeypatch.setenv(VARIABLE, json.dumps(unstructure(settings)))
        table = job_table(settings, read_bundle(find_model("quickstart")))
        with long_talk.open("rb") as recording:
            job = table.add(recording, {})
        with runner() as first:
            wait_for(lambda: 0 < table.get(job.id).progress < 1, "the job to run")
            first.kill()
        leases = f"fastdiar:{table.folder.name}:running"
        pytest.importorskip("redis").Redis.from_url(redis_server).zadd(leases, {job.id: 0})  # long over
        with runner():
            done = wait_for(lambda: (now := table.get(job.id)).state == "done" and now, "the job")
        assert done.attempts == 2 and json.loads(done.result)["turns"] == json.loads(expected.to_json())["turns"]


@contextmanager
def runner() -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs jobs."""
    with subprocess.Popen([sys.executable, "-m", "fastdiar.serving.jobs.runner"]) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_redis_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("redis")
    for address in (f"unix://{tmp_path}/nowhere", "nonsense"):
        assert cli(["serve", "--model", "quickstart", "--jobs", str(tmp_path), "--redis", address]) == 2
        assert "--redis: no jobs can be kept there: " in capsys.readouterr().err


def test_redis_that_goes_away(tmp_path: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise Unreachable

    monkeypatch.setattr(client.app.state.jobs, "counts", fail)
    refused = client.post("/v1/jobs", content=b"a")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert "cannot be reached" in refused.json()["detail"]
    told = client.get("/metrics")
    assert told.status_code == 200 and "fastdiar_jobs" not in told.text
