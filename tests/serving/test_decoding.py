"""What strangers upload takes its decoder down at most."""

from __future__ import annotations

import io
import os
import signal
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile

pytest.importorskip("granian")

from fastdiar.core import audio
from fastdiar.serving.decoding import Decoders
from fastdiar.serving.problems import Problem
from fastdiar.serving.settings import ServeSettings
from tests.serving.conftest import DIALOGUE, children


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    made = Decoders(ServeSettings(decode_memory=1 << 30, most_channels=2))
    yield made
    made.close()


def upload(data: bytes) -> BinaryIO:
    file = tempfile.TemporaryFile()  # noqa: SIM115
    file.write(data)
    file.flush()
    return file


def encoded(samples: np.ndarray, rate: int = 16_000, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    return file.getvalue()


def test_decoded_as_the_command_line_decodes(decoders: Decoders) -> None:
    assert np.array_equal(decoders.decode(upload(DIALOGUE.read_bytes()), "mix", 100), audio.read(DIALOGUE))


def test_every_channel(decoders: Decoders) -> None:
    both = np.stack([np.linspace(0, 0.5, 8000), np.linspace(0.5, 0, 8000)], axis=1).astype(np.float32)
    data = encoded(both, kind="WAV")
    assert np.allclose(decoders.decode(upload(data), "split", 100), both, atol=1e-4)
    assert np.allclose(decoders.decode(upload(data), 1, 100), both[:, 1], atol=1e-4)


def announcing(frames: int) -> bytes:
    """A WAV file whose header promises more than there is, which streams do."""
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 2**32 - 1, b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16, b"data", 2 * frames
    )
    return header + bytes(3200)


@pytest.mark.parametrize(
    ("data", "channel", "status", "words"),
    [
        (lambda: b"", "mix", 422, "recording: is empty: 0 bytes"),
        (lambda: b"ffconcat version 1.0\nfile 0\n", "mix", 422, "recording: not a recording that can be read"),
        (lambda: encoded(np.zeros(16_000 * 3600), kind="FLAC"), "mix", 413, "recording: 3600.0 s long: at most 60 s are taken"),
        (lambda: encoded(np.zeros((100, 3))), "mix", 413, "recording: has 3 channels: at most 2 are taken"),
        (lambda: encoded(np.zeros(1600)), 1, 422, "recording: has no channel 1: its only channel is 0"),
        (lambda: DIALOGUE.read_bytes()[:20_000], "mix", 422, "recording: broken"),
    ],
)
def test_what_is_refused(decoders: Decoders, data: Callable[[], bytes], channel: int | str, status: int, words: str) -> None:
    with upload(data()) as file, pytest.raises(Problem) as refused:
        decoders.decode(file, channel, 60)
    assert refused.value.status_code == status
    assert words in refused.value.detail


def test_a_header_that_promises_more_than_there_is_claims_no_memory(decoders: Decoders) -> None:
    with upload(announcing(2**30)) as file:
        assert len(decoders.decode(file, "mix", 100)) == 1600


def test_a_length_that_no_header_tells_is_found_while_decoding(
    decoders: Decoders, write_m4a: Callable[[Path, np.ndarray, int], None], tmp_path: Path
) -> None:
    write_m4a(tmp_path / "talk.m4a", np.zeros(16_000 * 20), 16_000)
    with (tmp_path / "talk.m4a").open("rb") as file, pytest.raises(Problem, match="longer than 10 s") as refused:
        decoders.decode(file, "mix", 10)
    assert refused.value.status_code == 413


def test_a_recording_that_needs_too_much_memory() -> None:
    few = Decoders(ServeSettings(decode_memory=1 << 20))
    with upload(encoded(np.zeros(16_000 * 60), kind="FLAC")) as file, pytest.raises(Problem, match=r"memory|decoder fail"):
        few.decode(file, "mix", 100)
    few.close()


@pytest.mark.parametrize(
    ("signal_sent", "words"), [(signal.SIGSTOP, "takes longer than 0.5 s to be decoded"), (signal.SIGKILL, None)]
)
def test_a_decoder_that_hangs_or_dies_is_replaced(signal_sent: signal.Signals, words: str | None) -> None:
    mine = Decoders(ServeSettings(decode_seconds=0.5))
    sound = encoded(np.zeros(1600))
    assert len(mine.decode(upload(sound), "mix", 100)) == 1600
    os.kill(max(pid for pid, command in children(os.getpid()).items() if "serving.decoder" in command), signal_sent)
    if words is not None:
        with pytest.raises(Problem, match=words):
            mine.decode(upload(sound), "mix", 100)
    assert len(mine.decode(upload(sound), "mix", 100)) == 1600
    mine.close()


def test_nothing_of_a_decoder_that_died_is_left_in_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Decoders(ServeSettings())
    sound = np.full(1600, 0.25, np.float32)
    sent = socket.send_fds

    def interrupted(channel: socket.socket, messages: list[bytes], files: list[int]) -> int:
        monkeypatch.setattr(socket, "send_fds", sent)
        os.write(files[1], b"half")
        raise BrokenPipeError

    monkeypatch.setattr(socket, "send_fds", interrupted)
    assert np.allclose(mine.decode(upload(encoded(sound)), "mix", 100), sound, atol=1e-4)
    mine.close()
