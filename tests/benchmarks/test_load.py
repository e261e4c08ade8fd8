"""The open-loop client: what came of each request is told, whatever it was."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

web = pytest.importorskip("aiohttp.web")

CLIENT = Path(__file__).resolve().parents[2] / "benchmarks" / "load" / "client.py"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("load_client", CLIENT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "load_client", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 3)
    return module


def test_answers_refusals_and_failures_are_told_apart(client: ModuleType) -> None:
    async def answered(request: web.Request) -> web.Response:
        if request.path == "/silent":
            await asyncio.sleep(60)
        headers = {"Retry-After": "1"} if request.path == "/full" else {}
        return web.Response(status={"/full": 503, "/gone": 503, "/broken": 500}.get(request.path, 200), headers=headers)

    async def asked() -> list:
        server = web.Application()
        server.router.add_post("/{any}", answered)
        runner = web.AppRunner(server, shutdown_timeout=0)
        await runner.setup()
        await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
        kinds = [client.Asked(path, b"sound") for path in ("/well", "/full", "/gone", "/broken", "/silent")]
        port = site._server.sockets[0].getsockname()[1]
        try:
            return await client.offered(f"http://127.0.0.1:{port}", kinds, rate=100, seconds=0.05, even=True)
        finally:
            await runner.cleanup()

    heard = asyncio.run(asked())
    found = client.figures(heard, rate=100, seconds=0.05)
    assert [each.path for each in heard if each.status == 200] == ["/well"]
    assert found.failed == Counter({503: 1, 500: 1, "TimeoutError": 1}) and found.refused == 1
    assert found.p50 <= found.p99 < 3000  # who is never answered is not in the percentiles
