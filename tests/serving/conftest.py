"""The application in this process, and a server of its own processes."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile

pytest.importorskip("granian")
httpx = pytest.importorskip("httpx")

from starlette.testclient import TestClient

from fastdiar.core.types import RATE
from fastdiar.serving.app import create
from fastdiar.serving.settings import ServeSettings

T = TypeVar("T")
DIALOGUE = Path(__file__).resolve().parents[2] / "examples" / "dialogue.flac"
KILLS = int(os.environ.get("FASTDIAR_KILLS", "1"))
"""How often everything is killed; `make kills` does it twenty times."""
START_SECONDS = 300
"""Generous: machines that run tests are busy."""


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Asks the application, which has a small model. Nobody runs its jobs."""
    with TestClient(
        create(ServeSettings(model="quickstart", jobs=tmp_path_factory.mktemp("jobs"))), "http://localhost"
    ) as asking:
        yield asking


def as_wav(samples: np.ndarray) -> bytes:
    """Samples `[samples]` at 16 kHz as a file."""
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`fastdiar serve` with these options on a free port, ready: its process and its address. Jobs and log are in `folder`."""
    log = folder / "log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "fastdiar",
        "serve",
        "--model",
        "quickstart",
        "--port",
        str(port),
        "--jobs",
        str(folder / "jobs"),
        *options,
    ]
    address = f"http://127.0.0.1:{port}"
    with log.open("ab") as written, subprocess.Popen(command, stdout=written, stderr=written) as process:
        try:
            wait_for(lambda: is_live(address) or process.poll() is not None, "the server to be ready")
            assert process.poll() is None, log.read_text(encoding="utf-8")
            yield process, address
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_SECONDS)
            wait_for(lambda: not is_live(address), "all of the server to be gone")


def is_live(address: str) -> bool:
    try:
        return bool(httpx.get(f"{address}/v1/health", timeout=5).is_success)
    except httpx.TransportError:
        return False


def children(pid: int) -> dict[int, str]:
    """The processes that a process started, with their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return found


def wait_for(happened: Callable[[], T], what: str) -> T:
    """Until something happened, and what; fails where it does not."""
    end = time.monotonic() + START_SECONDS
    while not (found := happened()):
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis that writes everything to the disk before it answers."""
    redis = pytest.importorskip("redis")
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server, which is not here")
    folder = tmp_path_factory.mktemp("redis")
    place = folder / "socket"
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    command = ["redis-server", "--port", "0", "--unixsocket", str(place), "--dir", str(folder), *durable]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        address = f"unix://{place}"
        try:
            wait_for(place.exists, "Redis")
            redis.Redis.from_url(address).ping()
            yield address
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with one worker."""
    with running(tmp_path_factory.mktemp("server")) as (_, address):
        yield address
