"""Workers that die are replaced, and what they counted stays."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest

pytest.importorskip("granian")

from starlette.testclient import TestClient

from fastdiar.serving.processes import kept_running
from tests.serving.conftest import KILLS, as_wav, children, is_live, running, wait_for


def test_requests_are_counted(client: TestClient) -> None:
    def counted(name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    names = (
        'fastdiar_requests_total{endpoint="/v1/embed",status="200"}',
        'fastdiar_requests_total{endpoint="other",status="404"}',
        'fastdiar_stage_seconds_count{lane="clips",stage="infer"}',
        'fastdiar_audio_seconds_total{lane="clips"}',
    )
    assert {name for name in ("queued", "running", "done", "failed") if counted(f'fastdiar_jobs{{state="{name}"}}') >= 0}
    before = [counted(name) for name in names]
    assert client.post("/v1/embed", content=as_wav(np.zeros(8000, np.float32))).status_code == 200
    assert client.get("/v1/nothing/of/that/name").status_code == 404
    assert [after - was for after, was in zip(map(counted, names), before, strict=True)] == [1, 1, 1, 0.5]


@pytest.mark.parametrize("number", range(KILLS))
def test_a_worker_that_is_killed_is_replaced_and_others_are_unharmed(tmp_path: Path, number: int) -> None:
    clip = as_wav(np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32))
    with running(tmp_path, "--workers", "2") as (process, address):
        said = wait_for(lambda: len(lines := (tmp_path / "log").read_text(encoding="utf-8").splitlines()) == 3 and lines, "both")
        assert said[0] == f"fastdiar: starting: {address} answers when a worker is ready; Ctrl-C ends it"
        assert {f"fastdiar: ready: worker {each}" for each in workers(process.pid)} == set(said[1:])
        (runner,) = (each for each, command in children(process.pid).items() if "jobs.runner" in command)
        assert os.getpgid(runner) == runner  # Ctrl-C in a terminal goes to the server alone, which ends it
        ask, statuses, ending = asking(address, clip)
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_for(lambda: statuses[200] > 5, "answers")
        killed = workers(process.pid)[0]
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: killed not in (now := workers(process.pid)) and len(now) == 2, "another worker")
        seen = statuses[200]
        wait_for(lambda: statuses[200] > seen + 5, "answers again")
        ending.set()
        for thread in threads:
            thread.join()
        told = httpx.get(f"{address}/metrics", timeout=60).text
    assert set(statuses) <= {200, "broken"}
    assert statuses["broken"] <= len(threads)  # at most what the killed worker was working on
    total = re.search(r'fastdiar_requests_total\{endpoint="/v1/embed",status="200"\} (\S+)', told)
    assert total is not None and float(total[1]) >= statuses[200]


def test_nothing_that_lies_in_the_current_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stranger.py").write_text("print('hello')", encoding="utf-8")
    with kept_running("stranger"):
        out, err = wait_for(lambda: any(said := capfd.readouterr()) and said, "the process to say something")
    assert out == "" and "No module named stranger" in err


def test_silent_connections_keep_others_out_for_a_while_only(tmp_path: Path) -> None:
    with running(tmp_path, "--set", "most_connections=2", "--set", "idle_seconds=2") as (_, address):
        place = ("127.0.0.1", int(address.rpartition(":")[2]))
        with socket.create_connection(place), socket.create_connection(place):
            with pytest.raises(httpx.ReadTimeout):
                httpx.get(f"{address}/v1/health", timeout=0.5)
            wait_for(lambda: is_live(address), "room for a connection")


def asking(address: str, clip: bytes) -> tuple[Callable[[], None], Counter[int | str], threading.Event]:
    """What asks until the event, each time over a new connection, and what was answered how often."""
    statuses: Counter[int | str] = Counter()
    ending = threading.Event()

    def ask() -> None:
        while not ending.is_set():
            try:
                statuses[httpx.post(f"{address}/v1/embed", content=clip, timeout=60).status_code] += 1
            except httpx.TransportError:
                statuses["broken"] += 1

    return ask, statuses, ending


def workers(pid: int) -> list[int]:
    """The processes of a server that answer requests."""
    return [each for each, command in children(pid).items() if "spawn_main" in command]
