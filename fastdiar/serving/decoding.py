"""Decoding uploads in processes of their own, with limits of memory and time."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from fastdiar.serving.decoder import LARGEST_MESSAGE, NOT_AUDIO, TOO_LARGE
from fastdiar.serving.problems import Problem
from fastdiar.serving.settings import ServeSettings

START_SECONDS = 60
"""For a fresh process to import what it needs, beside the time that decoding may take."""


class Decoders:
    """As many decoding processes as there are threads that ask for one at once; each starts when first needed."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._idle: queue.SimpleQueue[_Decoder] = queue.SimpleQueue()

    def begin(self, count: int) -> None:
        """Start so many processes before they are needed; they are not waited for."""
        for _ in range(count):
            decoder = self._new()
            decoder.start()
            self._idle.put(decoder)

    def decode(self, upload: BinaryIO, channel: int | str, longest: float) -> np.ndarray:
        """An upload as float32 `[samples]` at 16 kHz, or `[samples, channels]` where `channel` is "split"; in a mapped file.

        Raises `Problem` where it is not a recording, is beyond a limit (`longest` in seconds), or takes its decoder down.
        """
        with self._borrowed() as decoder, tempfile.TemporaryFile() as target:
            asked = {"channel": channel, "longest": longest, "most_channels": self._settings.most_channels}
            answer = decoder.ask(asked, upload.fileno(), target.fileno())
            if "shape" not in answer:
                raise Problem(answer["status"], answer["detail"])
            samples = np.memmap(target, np.float32, "r", shape=tuple(answer["shape"]))
        return samples.T if channel == "split" else samples[0]

    def close(self) -> None:
        """End the processes."""
        while not self._idle.empty():
            self._idle.get().end()

    @contextmanager
    def _borrowed(self) -> Iterator[_Decoder]:
        try:
            decoder = self._idle.get_nowait()
        except queue.Empty:
            decoder = self._new()
        try:
            yield decoder
        finally:
            self._idle.put(decoder)

    def _new(self) -> _Decoder:
        return _Decoder(self._settings.decode_memory, self._settings.decode_seconds)


class _Decoder:
    """One process, which is started again where it dies or is too slow."""

    def __init__(self, memory: int, seconds: float) -> None:
        self._memory, self._seconds = memory, seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._proven = False

    def ask(self, message: dict[str, Any], upload: int, target: int) -> dict[str, Any]:
        """What the process answers; that it died twice or was too slow is an answer too."""
        for _ in range(2):  # what died may have died of something else, such as a want of memory on the machine
            if (answer := self._asked(message, upload, target)) is not None:
                return answer
        return {"status": NOT_AUDIO, "detail": "recording: broken: it makes its decoder fail"}

    def end(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._channel.close()
            self._process.kill()
            self._process.wait()
            self._process = None

    def start(self) -> None:
        """Start the process."""
        # Whole messages, not a stream of bytes; no pickle, because a codec that was taken over must not take over the server.
        self._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "fastdiar.serving.decoder", str(self._memory)]
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._proven = False
        with other:
            self._process = subprocess.Popen(
                command, stdin=other.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **single}
            )

    def _asked(self, message: dict[str, Any], upload: int, target: int) -> dict[str, Any] | None:
        """The answer; None where the process died."""
        if self._process is None or self._process.poll() is not None:
            self.end()
            self.start()
        os.ftruncate(target, 0)
        os.lseek(target, 0, os.SEEK_SET)  # whoever wrote to it before shared the place with us
        self._channel.settimeout(self._seconds + (0 if self._proven else START_SECONDS))
        try:
            socket.send_fds(self._channel, [json.dumps(message).encode()], [upload, target])
            answer = self._channel.recv(LARGEST_MESSAGE)
        except TimeoutError:
            self.end()
            return {"status": TOO_LARGE, "detail": f"recording: takes longer than {self._seconds:g} s to be decoded"}
        except OSError:
            answer = b""
        if not answer:
            self.end()
            return None
        self._proven = True
        told: dict[str, Any] = json.loads(answer)
        return told
