"""A clip of 3 s to its answer through a real server, one request after another, connection kept: network, decoding, model.

`pytest benchmarks/test_server.py`. What happens when requests come as they please: `make bench-load`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

httpx = pytest.importorskip("httpx")
pytest.importorskip("fastapi", reason="needs fastdiar[serve]")

from load.run import clips, served  # noqa: E402 - where there is a server

MODEL = "quickstart"
ROUNDS, WARM_UP = 200, 20
Note = Callable[..., None]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(MODEL, workers=1) as (_, address):
        yield address


@pytest.mark.benchmark(group="clip of 3 s, from request to answer")
@pytest.mark.parametrize("path", ["/v1/embed", "/v1/classify"])
def test_answer(benchmark: Any, note: Note, address: str, path: str) -> None:
    clip = clips()[0]
    with httpx.Client(base_url=address) as client:
        answer = benchmark.pedantic(lambda: client.post(path, content=clip), rounds=ROUNDS, warmup_rounds=WARM_UP)
    assert answer.is_success and answer.json()
    note(1, runtime="onnxruntime", batch=1)
