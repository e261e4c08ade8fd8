"""What a server was told at its start. Its processes read it from their environment, so that all of them know the same."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import field, validators

from fastdiar.core.default import DEFAULT_MODEL
from fastdiar.core.errors import FastdiarError, nearest
from fastdiar.core.structure import StructureError, structure, unstructure

VARIABLE = "FASTDIAR_SERVE"
"""The environment variable that carries the settings, as JSON."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SHORTEST_TOKEN = 16


@attrs.frozen
class ServeSettings:
    """Limits are on each request; each has its own HTTP error."""

    model: str = field(default=DEFAULT_MODEL, metadata={"help": "a model that ships, by name, or the folder of one"})
    known: Path | None = field(default=None, metadata={"help": "people to call by name, from fastdiar enroll"})
    host: str = field(default="127.0.0.1", metadata={"help": "the address that is listened on"})
    token_file: Path | None = field(default=None, metadata={"help": "a file whose first line every request must show"})
    threads: int = field(default=1, validator=validators.ge(1), metadata={"help": "requests that a worker computes at once"})
    most_connections: int = field(
        default=512,
        validator=validators.ge(1),
        metadata={"help": "connections that a worker keeps open; more wait"},
    )
    idle_seconds: float = field(
        default=30, validator=validators.ge(0.001), metadata={"help": "until a connection on which nothing is asked is closed"}
    )
    most_waiting: int = field(default=32, validator=validators.ge(1), metadata={"help": "requests that may wait in a worker"})
    wait_seconds: float = field(
        default=10, validator=validators.gt(0), metadata={"help": "that a request waits for its turn before it is to come again"}
    )
    largest_upload: int = field(default=512 << 20, validator=validators.ge(1), metadata={"help": "bytes of a request's body"})
    longest_minutes: float = field(default=120, validator=validators.gt(0), metadata={"help": "of a recording answered at once"})
    longest_clip: float = field(default=30, validator=validators.gt(0), metadata={"help": "seconds of a clip of one person"})
    most_channels: int = field(default=16, validator=validators.ge(1), metadata={"help": "channels of a recording"})
    upload_seconds: float = field(default=60, validator=validators.gt(0), metadata={"help": "for a request's body to arrive"})
    decode_seconds: float = field(default=300, validator=validators.gt(0), metadata={"help": "for a recording to be decoded"})
    decode_memory: int = field(default=1 << 30, validator=validators.ge(1), metadata={"help": "bytes for decoding a recording"})
    jobs: Path = field(
        factory=lambda: Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fastdiar" / "jobs",
        metadata={"help": "the folder that jobs and their recordings are kept in"},
    )
    redis: str | None = field(default=None, metadata={"help": "the Redis that keeps the table of jobs"})
    longest_job_minutes: float = field(default=720, validator=validators.gt(0), metadata={"help": "of a job's recording"})
    most_jobs: int = field(default=1000, validator=validators.ge(1), metadata={"help": "jobs that wait or run"})
    keep_hours: float = field(default=24, validator=validators.gt(0), metadata={"help": "that a job's result is kept"})
    most_streams: int = field(
        default=4, validator=validators.ge(1), metadata={"help": "live streams that a worker hears at once"}
    )
    longest_stream_hours: float = field(default=8, validator=validators.gt(0), metadata={"help": "of a live stream"})
    stream_idle_seconds: float = field(default=30, validator=validators.gt(0), metadata={"help": "until a silent client is left"})

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK

    def token(self) -> str | None:
        """What requests must show; None where anybody on this machine may ask. Raises `FastdiarError`."""
        if self.token_file is None:
            if not self.local:
                raise FastdiarError(f"--host {self.host} can be reached by others: give --token-file, which they must know")
            return None
        try:
            token = self.token_file.read_text(encoding="ascii").partition("\n")[0].strip()
        except OSError as error:
            raise FastdiarError(f"{self.token_file}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise FastdiarError(f"{self.token_file}: expected a token of letters and digits") from None
        if len(token) < SHORTEST_TOKEN or not all(letter.isalnum() or letter in "-._~+/=" for letter in token):
            raise FastdiarError(
                f"{self.token_file}: expected a token of at least {SHORTEST_TOKEN} letters and digits in its first line, "
                f"such as `openssl rand -hex 32` makes"
            )
        return token


def limits() -> list[attrs.Attribute[Any]]:
    """The settings that are numbers, which `--set` may change; each with its help."""
    return [each for each in attrs.fields(ServeSettings) if each.name != "threads" and isinstance(each.default, int | float)]


def limited(settings: ServeSettings, changes: Sequence[str]) -> ServeSettings:
    """The settings with other limits, each `LIMIT=VALUE`; raises `FastdiarError` with what is wrong with them."""
    values = unstructure(settings)
    names = [each.name for each in limits()]
    for change in changes:
        name, _, value = change.partition("=")
        if name not in names:
            raise FastdiarError(f"--set {change}: no limit '{name}'{nearest(name, names)}: there are {', '.join(names)}")
        try:
            values[name] = json.loads(value)
        except ValueError:
            raise FastdiarError(f"--set {change}: expected a number: '{value}'") from None
    try:
        return structure(values, ServeSettings)
    except StructureError as error:
        raise FastdiarError("\n".join(f"--set {line}" for line in str(error).splitlines())) from None


def hand_down(settings: ServeSettings) -> None:
    """Put the settings where the processes that this one starts find them."""
    os.environ[VARIABLE] = json.dumps(unstructure(settings))


def handed_down() -> ServeSettings:
    """The settings that `hand_down` put; the defaults where nobody did."""
    return structure(json.loads(os.environ.get(VARIABLE, "{}")), ServeSettings)
