"""Who may ask, and how much."""

from __future__ import annotations

import errno
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import anyio
import httpx
import pytest

pytest.importorskip("granian")

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient
from starlette.types import Message

from fastdiar.__main__ import run
from fastdiar.core.errors import ModelError
from fastdiar.serving import lanes
from fastdiar.serving.app import create
from fastdiar.serving.lanes import Lane
from fastdiar.serving.problems import Problem
from fastdiar.serving.service import Service
from fastdiar.serving.settings import ServeSettings

TOKEN = "a-token-nobody-guesses"
GONE: Message = {"type": "http.disconnect"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Asks an application that wants a token, and takes bodies of at most 2 MiB."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text(f"{TOKEN}\n", encoding="ascii")
    settings = ServeSettings(model="quickstart", host="0.0.0.0", jobs=folder, token_file=folder / "token", largest_upload=2 << 20)
    with TestClient(create(settings), "http://diarizer.example") as asking:
        yield asking


@pytest.mark.parametrize(
    ("path", "shown", "status"),
    [
        ("/v1/jobs/aaaaaaaaaaaaaaaaaaaaaa", "", 401),
        ("/v1/jobs/aaaaaaaaaaaaaaaaaaaaaa", "Bearer another", 401),
        ("/v1/jobs/aaaaaaaaaaaaaaaaaaaaaa", f"Basic {TOKEN}", 401),
        ("/v1/jobs/aaaaaaaaaaaaaaaaaaaaaa", f"Bearer {TOKEN}", 404),
        ("/metrics", "", 401),
        ("/metrics", f"bearer {TOKEN}", 200),
        ("/v1/health", "", 200),
        ("/v1/ready", "", 200),
        ("/docs", "", 200),
    ],
)
def test_who_may_ask(guarded: TestClient, path: str, shown: str, status: int) -> None:
    answer = guarded.get(path, headers={"Authorization": shown} if shown else {})
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "127.0.0.1:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "elsewhere.example"}, 421),
        ({"Host": "["}, 421),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
    ],
)
def test_pages_of_others_get_nothing(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.get("/v1/health", headers=headers).status_code == status


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_has_a_size(guarded: TestClient, announced: bool) -> None:
    body = bytes(3 << 20)
    content = body if announced else (body[start : start + 65536] for start in range(0, len(body), 65536))
    answer = guarded.post("/v1/embed", content=content, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.json()["detail"]) == (413, "a request's body has at most 2,097,152 bytes")


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        (
            "POST",
            "/v1/diarize?num_speaker=4",
            "no parameter 'num_speaker' (did you mean 'num_speakers'?): there are channel, ",
        ),
        ("POST", "/v1/jobs?a=1&b=2", "no parameter 'a'; no parameter 'b': there are channel"),
        ("POST", "/v1/embed?per_speakers=1", "no parameter 'per_speakers' (did you mean 'per_speaker'?): there are per_speaker"),
        ("GET", "/v1/jobs/aaaaaaaaaaaaaaaaaaaaaa?full=1", "no parameter 'full': there are none"),
    ],
)
def test_a_parameter_that_does_not_exist(client: TestClient, method: str, path: str, words: str) -> None:
    answer = client.request(method, path, content=b"")
    assert answer.status_code == 422 and answer.json()["detail"].startswith(words)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/diarise", 404, "nothing answers GET /v1/diarise: /docs lists what does"),
        ("/v1/diarize", 405, "nothing answers GET /v1/diarize: ask with POST"),
        ("/v1/jobs/mine", 422, "job_id: expected the id that POST /v1/jobs gave"),
    ],
)
def test_what_is_not_there(client: TestClient, path: str, status: int, words: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (status, words)


def test_every_answer_is_kept_to_itself(client: TestClient) -> None:
    for path in ("/v1/health", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ModelError("broken"), 500, "the server failed"),
        (OSError(errno.ENOSPC, "full"), 507, "has no room"),
        (OSError(errno.EIO, "broken"), 500, "the server failed"),
        (ZeroDivisionError(), 500, "the server failed"),
    ],
)
def test_what_is_not_the_clients_fault(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, words: str
) -> None:
    def fail(service: Service, upload: BinaryIO) -> None:
        raise error

    monkeypatch.setattr(Service, "clip", fail)
    answer = TestClient(client.app, "http://localhost", raise_server_exceptions=False).post("/v1/embed", content=b"a")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"] and "broken" not in answer.text


def test_the_description_needs_no_network(client: TestClient) -> None:
    page = client.get("/docs").text
    addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert len(addresses) >= 3
    assert [client.get(address).status_code for address in addresses] == [200] * len(addresses)
    assert "http" not in re.sub(r"https?://localhost", "", page)


def alone(asked: Callable[[], Awaitable[None]]) -> None:
    """Run it in a thread: a browser that other tests have opened keeps a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(anyio.run, asked).result()


def test_a_request_arrives_in_time_or_not_at_all() -> None:
    async def silent() -> Message:
        await anyio.sleep(60)
        raise AssertionError

    async def asked() -> None:
        lane = Lane("clips", ServeSettings(upload_seconds=0.05))
        with pytest.raises(Problem, match=r"took longer than 0\.05 s to arrive") as refused:
            await lane.answer(Request({"type": "http", "method": "POST", "headers": []}, silent), len)
        assert refused.value.status_code == 408

    alone(asked)


def test_a_full_lane_turns_requests_away_at_once() -> None:
    async def asked() -> None:
        lane = Lane("clips", ServeSettings(threads=1, most_waiting=2))
        go_on = anyio.Event()

        async def body() -> Message:
            await go_on.wait()
            return {"type": "http.request", "body": b"abc", "more_body": False}

        answers: list[int] = []

        async def ask() -> None:
            request = Request({"type": "http", "method": "POST", "headers": []}, body)
            answers.append(await lane.answer(request, lambda upload: len(upload.read())))

        async with anyio.create_task_group() as together:
            for _ in range(3):
                together.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            assert lane.full
            with pytest.raises(Problem, match="come again") as refused:
                await ask()
            assert refused.value.status_code == 503
            assert int(refused.value.headers["Retry-After"]) >= 1
            go_on.set()
        assert answers == [3, 3, 3]
        assert not lane.full

    alone(asked)


def posted(*after: Message) -> Request:
    """A request with a short body, and what is received after it; nothing, where there is no more."""
    messages = iter([{"type": "http.request", "body": b"abc", "more_body": False}, *after])

    async def receive() -> Message:
        for message in messages:
            return message
        await anyio.sleep_forever()
        raise AssertionError

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


class Busy:
    """Work that goes on until it is let go, and counts how often it was begun."""

    def __init__(self) -> None:
        self.begun, self.go_on = 0, threading.Event()

    def __call__(self, upload: BinaryIO) -> int:
        self.begun += 1
        self.go_on.wait(60)
        return len(upload.read())


def test_nothing_is_computed_for_who_waits_too_long() -> None:
    async def asked() -> None:
        lane, work = Lane("clips", ServeSettings(threads=1, wait_seconds=0.05)), Busy()
        async with anyio.create_task_group() as together:
            together.start_soon(lane.answer, posted(), work)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(Problem, match="come again") as refused:
                await lane.answer(posted(), work)
            work.go_on.set()
        assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "2"})
        assert work.begun == 1
        assert await lane.answer(posted(), work) == 3  # its turn was not lost with the other's

    alone(asked)


@pytest.mark.parametrize(("after", "begun"), [([GONE], 1), ([], 2)], ids=["gone", "there"])
def test_nothing_is_computed_for_who_has_gone(monkeypatch: pytest.MonkeyPatch, after: list[Message], begun: int) -> None:
    monkeypatch.setattr(lanes, "LONG_SECONDS", 0.0)

    async def asked() -> None:
        lane, work, left = Lane("clips", ServeSettings(threads=1)), Busy(), []

        async def ask() -> None:
            try:
                assert await lane.answer(posted(*after), work) == 3
            except ClientDisconnect:
                left.append(True)

        async with anyio.create_task_group() as together:
            together.start_soon(lane.answer, posted(), work)
            together.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.go_on.set()
        assert (work.begun, len(left)) == (begun, 2 - begun)
        assert await lane.answer(posted(), work) == 3

    alone(asked)


def test_who_is_refused_over_the_wire_reads_why(server: str) -> None:
    body = bytes(1 << 20)
    with httpx.Client(base_url=server, timeout=60) as asking:
        for _ in range(20):
            assert asking.post("/v1/identify", content=body).json()["status"] == 404


@pytest.mark.parametrize(
    ("options", "token", "words"),
    [
        (["--host", "0.0.0.0"], None, "--host 0.0.0.0 can be reached by others: give --token-file"),
        (["--token-file", "TOKEN"], "short\n", "expected a token of at least 16 letters and digits in its first line"),
        (["--token-file", "TOKEN"], "with blanks in it, many\n", "expected a token of at least 16 letters and digits"),
        (["--token-file", "nowhere"], None, "nowhere: cannot be read: No such file or directory"),
        (["--model", "nobody"], None, "no model 'nobody'"),
        (["--known", "nobody.json"], None, "nobody.json: cannot be read"),
        (["--jobs", "/proc/nowhere"], None, ": no jobs can be kept there: "),
        (["--jobs", "JOBS", "--port", "PORT"], None, "cannot be listened on: Address already in use: choose another"),
    ],
)
def test_a_server_that_cannot_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], token: str | None, words: str
) -> None:
    if token is not None:
        (tmp_path / "token").write_text(token, encoding="ascii")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        real = {"TOKEN": str(tmp_path / "token"), "JOBS": str(tmp_path), "PORT": str(taken.getsockname()[1])}
        assert run(["serve", *(real.get(option, option) for option in options)]) == 2
    assert words in capsys.readouterr().err
