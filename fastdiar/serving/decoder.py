"""The process that decodes what strangers send: `python -m fastdiar.serving.decoder BYTES`, asked over its standard input.

Each message, a JSON object, comes with two open files: the upload, and one to write float32 `[channels, samples]` at 16 kHz
to. The answer is `{"shape": [channels, samples]}`, or `{"status": HTTP status, "detail": reason}`. A codec that crashes, hangs
or takes more than so many `BYTES` of memory takes this process down, and nothing else.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import socket
import sys
from pathlib import Path
from typing import Any, BinaryIO

from fastdiar.core import audio
from fastdiar.core.errors import AudioError, FastdiarError
from fastdiar.core.types import RATE, Recording

LARGEST_MESSAGE = 4096
TOO_LARGE, NOT_AUDIO, NO_ROOM = 413, 422, 507


def main() -> None:
    """Answer messages until nobody sends any."""
    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as channel:
        while True:
            message, files, _, _ = socket.recv_fds(channel, LARGEST_MESSAGE, 2)
            if not message:
                return
            channel.send(json.dumps(_answer(json.loads(message), *files)).encode())


def _answer(asked: dict[str, Any], upload: int, target: int) -> dict[str, Any]:
    path = Path(f"/proc/self/fd/{upload}")
    try:
        with os.fdopen(target, "wb") as written:
            return {"shape": _decoded(path, written, **asked)}
    except _TooLarge as error:
        return {"status": TOO_LARGE, "detail": str(error)}
    except FastdiarError as error:
        return {"status": NOT_AUDIO, "detail": str(error).replace(str(path), "recording")}
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return {"status": NO_ROOM, "detail": "the server has no room for the recording"}
    except MemoryError:
        return {"status": TOO_LARGE, "detail": "recording: needs more memory to be decoded than a request may have"}
    finally:
        os.close(upload)


class _TooLarge(FastdiarError):
    """A recording beyond a limit."""


def _decoded(path: Path, written: BinaryIO, channel: int | str, longest: float, most_channels: int) -> tuple[int, int]:
    """Write the samples of a channel, or of each where `channel` is "split"; returns how many channels of how many samples."""
    count = audio.channels(Recording(path=path))
    if count > most_channels:
        raise _TooLarge(f"recording: has {count} channels: at most {most_channels} are taken")
    chosen: list[int | str] = list(range(count)) if channel == "split" else [channel]
    lengths = {_written(Recording(path=path, channel=each), written, longest) for each in chosen}
    if len(lengths) > 1:
        raise AudioError("recording: broken: its channels are not equally long")
    return len(chosen), lengths.pop()


def _written(recording: Recording, written: BinaryIO, longest: float) -> int:
    stream = audio.stream(recording)
    length = 0
    if stream.seconds is not None and stream.seconds > longest:
        raise _TooLarge(f"recording: {stream.seconds:.1f} s long: at most {longest:g} s are taken")
    for block in stream.blocks:
        length += len(block)
        if length > longest * RATE:
            raise _TooLarge(f"recording: longer than {longest:g} s, which is the most that is taken")
        written.write(block.tobytes())
    return length


if __name__ == "__main__":
    main()
