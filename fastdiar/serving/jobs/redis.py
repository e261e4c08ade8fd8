"""Jobs in Redis, for servers on several machines, each of which runs jobs.

Every job has a hash, `job:ID`; each state a sorted set of ids, by time. A running job's time is when its lease ends, by Redis's
own clock: a thread beside the work puts it off. Every change is a script, which Redis runs whole or not at all.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, get_args

import redis

from fastdiar.core.errors import FastdiarError
from fastdiar.serving.jobs.table import Job, JobTable, State
from fastdiar.serving.problems import Unreachable

LEASE_SECONDS = 10.0
"""After which the job of a process that is not heard of is another's."""
WAIT_SECONDS = 5.0
"""For Redis to answer."""
_COMMON = """
local root, id = KEYS[1], ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000

local function field(id, name) return redis.call('HGET', root .. 'job:' .. id, name) end

local function set(id, ...) redis.call('HSET', root .. 'job:' .. id, ...) end

local function move(id, from, to, at)
    redis.call('ZREM', root .. from, id)
    redis.call('ZADD', root .. to, at, id)
    set(id, 'state', to)
end

local function queue(id)
    move(id, 'running', 'queued', field(id, 'created'))
    set(id, 'progress', 0)
end

local function forget(id)
    local state, key = field(id, 'state'), field(id, 'key')
    if not state then return 0 end
    redis.call('ZREM', root .. state, id)
    if key then redis.call('DEL', root .. 'key:' .. key) end
    return redis.call('DEL', root .. 'job:' .. id)
end

local function ours(runner) return field(id, 'state') == 'running' and field(id, 'runner') == runner end
"""
_ADD = """
if field(id, 'state') then return 1 end -- asked again, as the answer was lost
if ARGV[2] ~= '' then
    if not redis.call('SET', root .. 'key:' .. ARGV[2], id, 'NX') then return 0 end
    set(id, 'key', ARGV[2])
end
set(id, 'state', 'queued', 'wished', ARGV[3], 'created', ARGV[4], 'attempts', 0, 'progress', 0)
redis.call('ZADD', root .. 'queued', ARGV[4], id)
return 1
"""
_FORGET = "return forget(id)"
_FORGET_FINISHED = """
for _, state in ipairs({'done', 'failed'}) do
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', root .. state, '-inf', now - ARGV[2])) do forget(old) end
end
"""
_TAKE = """
for _, left in ipairs(redis.call('ZRANGEBYSCORE', root .. 'running', '-inf', now)) do queue(left) end
local first = redis.call('ZRANGE', root .. 'queued', 0, 0)[1]
if first then
    move(first, 'queued', 'running', now + ARGV[3])
    redis.call('HINCRBY', root .. 'job:' .. first, 'attempts', 1)
    set(first, 'runner', ARGV[2])
end
return first
"""
_PUT_BACK = """
if ours(ARGV[2]) then
    queue(id)
    redis.call('HINCRBY', root .. 'job:' .. id, 'attempts', -1)
end
"""
_RENEW = "if ours(ARGV[2]) then redis.call('ZADD', root .. 'running', now + ARGV[3], id) end"
_TOLD = """
if not ours(ARGV[2]) then return 0 end
set(id, 'progress', ARGV[3])
return 1
"""
_FINISH = """
if not ours(ARGV[2]) then return 0 end
move(id, 'running', ARGV[3], now)
set(id, 'progress', 1, 'finished', now, ARGV[4], ARGV[5])
return 1
"""


class RedisJobs(JobTable):
    """A table in Redis; the folder with the recordings must be one that all of its servers reach."""

    def __init__(self, folder: Path, address: str, lease: float = LEASE_SECONDS) -> None:
        """Find Redis at an `address` such as `redis://host:6379/0`; raises `FastdiarError` where it is not there."""
        super().__init__(folder)
        self._root, self._lease, self._runner = f"fastdiar:{folder.name}:", lease, secrets.token_hex(8)
        try:
            self._redis = redis.Redis.from_url(address, decode_responses=True, socket_timeout=WAIT_SECONDS)
            self._redis.ping()
        except (redis.RedisError, ValueError) as error:
            raise FastdiarError(f"--redis: no jobs can be kept there: {error}") from None
        self._scripts: dict[str, Callable[..., Any]] = {}
        self._taken: str | None = None

    def get(self, name: str) -> Job | None:
        """See `JobTable`."""
        with _reaching():
            found: dict[str, str] = self._redis.hgetall(f"{self._root}job:{name}")
        if not found:
            return None
        return Job(
            id=name,
            state=found["state"],
            wished=json.loads(found["wished"]),
            created=float(found["created"]),
            attempts=int(found["attempts"]),
            progress=float(found["progress"]),
            finished=float(found["finished"]) if "finished" in found else None,
            result=found.get("result"),
            error=found.get("error"),
        )

    def counts(self) -> dict[str, int]:
        """See `JobTable`."""
        states = get_args(State)
        with _reaching(), self._redis.pipeline() as asked:
            for state in states:
                asked.zcard(self._root + state)
            return dict(zip(states, asked.execute(), strict=True))

    def take(self) -> Job | None:
        """See `JobTable`."""
        self._taken = self._run(_TAKE, "", self._runner, self._lease)
        return None if self._taken is None else self.get(self._taken)

    def put_back(self, job: Job) -> None:
        """See `JobTable`."""
        self._run(_PUT_BACK, job.id, self._runner)

    def told(self, job: Job, progress: float) -> bool:
        """See `JobTable`."""
        return bool(self._run(_TOLD, job.id, self._runner, progress))

    def forget_finished(self, seconds: float) -> None:
        """See `JobTable`."""
        self._run(_FORGET_FINISHED, "", seconds)

    def _add(self, job: Job, key: str | None) -> bool:
        return bool(self._run(_ADD, job.id, key or "", json.dumps(job.wished), job.created))

    def _by_key(self, key: str) -> Job | None:
        with _reaching():
            name = self._redis.get(f"{self._root}key:{key}")
        return None if name is None else self.get(name)

    def _forget(self, name: str) -> bool:
        return bool(self._run(_FORGET, name))

    def _finish(self, job: Job, result: str | None, error: str | None) -> bool:
        outcome = ("done", "result", result) if error is None else ("failed", "error", error)
        return bool(self._run(_FINISH, job.id, self._runner, *outcome))

    def _unfinished(self) -> set[str]:
        with _reaching():
            return {name for state in ("queued", "running") for name in self._redis.zrange(self._root + state, 0, -1)}

    @contextmanager
    def _leased(self) -> Iterator[None]:
        ended = threading.Event()
        keeper = threading.Thread(target=self._keep_lease, args=(ended,), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            ended.set()
            keeper.join()

    def _keep_lease(self, ended: threading.Event) -> None:
        while not ended.wait(self._lease / 5):
            with suppress(Unreachable):
                self._run(_RENEW, self._taken or "", self._runner, self._lease)

    def _run(self, script: str, name: str, *values: object) -> Any:
        if script not in self._scripts:
            self._scripts[script] = self._redis.register_script(_COMMON + script)
        with _reaching():
            return self._scripts[script](keys=[self._root], args=[name, *values])


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise Unreachable(f"Redis cannot be reached: {error}") from error
