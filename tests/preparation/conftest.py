"""What the tests of preparation share: a small corpus of several formats, and a server of files that misbehaves."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile


def sound(seconds: float, rate: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Noise over a tone of 220 Hz, float32 `[samples, channels]`."""
    time = np.arange(round(seconds * rate))[:, None] / rate
    noise = np.random.default_rng(seed).normal(size=(len(time), channels))
    return (0.2 * np.sin(2 * np.pi * 220 * time) + 0.02 * noise).astype(np.float32)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two speakers in the layout of `folder`: good recordings, a table, and nothing else."""
    root = tmp_path / "corpus"
    for name, rate, channels in (("ann/mon/a.wav", 44_100, 2), ("ann/tue/b.ogg", 8_000, 1), ("bob/c.d.flac", 16_000, 1)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, sound(1.5, rate, channels), rate)
    (root / "speakers.csv").write_text("name,sex\nann,f\n")
    return root


class Server(ThreadingHTTPServer):
    """Serves `files` by path, whole or from a byte on, and misbehaves as it is told; `asked` is what it was asked for.

    It sends on to what was `moved`, hangs up after `drop_after` bytes of an answer, gives `errors` (statuses) first, and wants
    the user "me" with `password`.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.errors: list[int] = []
        self.drop_after: int | None = None
        self.ranges = True
        self.password = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.asked.append((self.path, wanted))
        credentials = base64.b64encode(f"me:{self.server.password}".encode()).decode()
        if self.server.errors:
            self.send_error(self.server.errors.pop(0))
        elif self.server.password and self.headers["Authorization"] != f"Basic {credentials}":
            self.send_error(401)
        elif self.path in self.server.moved:
            self.send_response(302)
            self.send_header("Location", self.server.moved[self.path])
            self.end_headers()
        elif self.path not in self.server.files:
            self.send_error(404)
        else:
            self.send_file(self.server.files[self.path], wanted)

    def send_file(self, data: bytes, wanted: str | None) -> None:
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        if first >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.end_headers()
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(data) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(data[first:][: self.server.drop_after])

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Server]]:
    """Starts a server on this machine, for which nobody waits."""
    monkeypatch.setattr("fastdiar.preparation.download.PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "*")
    with ExitStack() as running:

        def serve() -> Server:
            server = running.enter_context(Server())
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            running.callback(thread.join)
            running.callback(server.shutdown)
            return server

        yield serve


@pytest.fixture
def server(serve: Callable[[], Server]) -> Server:
    """One of them."""
    return serve()
