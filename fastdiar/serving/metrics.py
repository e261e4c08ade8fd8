"""What the server counts, for Prometheus: each worker into files of its own, and whichever is asked at /metrics sums them up."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from anyio import to_thread
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastdiar.serving.problems import Unreachable

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus-client is told where workers keep their counts."""
_SECONDS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
REQUESTS = Counter("fastdiar_requests", "Requests answered", ("endpoint", "status"))
LATENCY = Histogram("fastdiar_request_seconds", "From a request's head to its answer's end", ("endpoint",), buckets=_SECONDS)
STAGE = Histogram(
    "fastdiar_stage_seconds",
    "Parts of answering: receive the body, wait for a thread, decode, infer",
    ("lane", "stage"),
    buckets=_SECONDS,
)
AUDIO = Counter("fastdiar_audio_seconds", "Seconds of sound that were worked on", ("lane",))
INSIDE = Gauge("fastdiar_requests_inside", "Requests being received, waiting or computed", ("lane",), multiprocess_mode="livesum")

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Counts of all workers, in the text format of Prometheus."""
    registry = REGISTRY
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    jobs = CollectorRegistry()
    with suppress(Unreachable):
        jobs.register(_Jobs(await to_thread.run_sync(request.app.state.jobs.counts)))
    return Response(generate_latest(registry) + generate_latest(jobs), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Jobs(Collector):
    """How many jobs there are, by state: read from their table, not counted by each worker."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """One gauge."""
        family = GaugeMetricFamily("fastdiar_jobs", "Jobs that wait, run, are done or have failed", labels=["state"])
        for state, count in self._counts.items():
            family.add_metric([state], count)
        yield family


@contextmanager
def timed(lane: str, stage: str) -> Iterator[None]:
    """Count how long a stage takes."""
    with STAGE.labels(lane, stage).time():
        yield


def forget_the_dead() -> None:
    """Workers that died no longer do anything at the moment; what they counted stays."""
    for path in Path(os.environ.get(FOLDER, os.devnull)).glob("gauge_live*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)  # type: ignore[no-untyped-call]


class Measured:
    """ASGI middleware that counts requests and their time by endpoint and status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, answered = time.perf_counter(), False

        def count(status: int) -> None:
            REQUESTS.labels(_endpoint(scope), str(status)).inc()

        async def watching(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                count(message["status"])  # before it is sent: a worker that dies has counted whatever it answered
            await send(message)

        try:
            await self._app(scope, receive, watching)
        finally:
            if not answered:
                count(500)
            LATENCY.labels(_endpoint(scope)).observe(time.perf_counter() - begun)


def _endpoint(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "other")
