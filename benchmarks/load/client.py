"""An open-loop client: requests go out at their scheduled times, those before answered or not, so that waiting counts.

A closed loop, which sends the next request when the last is answered, asks a slow server less often and finds it fast
(Tene, How NOT to Measure Latency, 2013: coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import aiohttp
import attrs
import numpy as np

TIMEOUT_SECONDS = 30
REFUSED = frozenset({429, 503})


@attrs.frozen
class Asked:
    """What one request is: its path below the server's address, and its body."""

    path: str
    body: bytes


@attrs.frozen
class Heard:
    """What came of it: seconds since it was scheduled, the status, or the name of the error where there is none."""

    path: str
    seconds: float
    status: int | str
    retry_after: bool


@attrs.frozen
class Figures:
    """A rate's figures: requests a second, offered and answered; milliseconds of those answered; how many were turned away.

    `failed` counts what else came of them.
    """

    rate: float
    answered: float
    p50: float
    p90: float
    p99: float
    refused: int
    refused_p99: float
    failed: Counter[int | str]


async def offered(address: str, kinds: Sequence[Asked], rate: float, seconds: float, even: bool, seed: int = 0) -> list[Heard]:
    """Offer `rate` requests a second for so many seconds, of all `kinds` in turn; evenly, or at random (a Poisson process)."""
    random = np.random.default_rng(seed)
    count = max(1, round(rate * seconds))
    gaps = np.full(count, 1 / rate) if even else random.exponential(1 / rate, count)
    times = np.cumsum(gaps) - gaps[0]
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(address, timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        begun = time.perf_counter()

        async def ask(kind: Asked, due: float) -> Heard:
            await asyncio.sleep(begun + due - time.perf_counter())
            try:
                async with session.post(kind.path, data=kind.body) as answer:
                    await answer.read()
                    status, retry = answer.status, "Retry-After" in answer.headers
            except (aiohttp.ClientError, TimeoutError) as error:
                status, retry = type(error).__name__, False
            return Heard(kind.path, time.perf_counter() - begun - due, status, retry)

        return await asyncio.gather(*(ask(kinds[each % len(kinds)], due) for each, due in enumerate(times)))


def figures(heard: Sequence[Heard], rate: float, seconds: float) -> Figures:
    """What a table tells of one rate."""
    taken = [1000 * each.seconds for each in heard if each.status == 200] or [np.nan]
    refused = [1000 * each.seconds for each in heard if _was_refused(each)]
    good = sum(each.status == 200 for each in heard)
    longest = max(seconds, *(each.seconds for each in heard if each.status == 200), 0.0)
    p50, p90, p99 = np.percentile(taken, (50, 90, 99))
    return Figures(
        rate=rate,
        answered=good / max(seconds, longest),
        p50=p50,
        p90=p90,
        p99=p99,
        refused=len(refused),
        refused_p99=float(np.percentile(refused, 99)) if refused else np.nan,
        failed=Counter(each.status for each in heard if each.status != 200 and not _was_refused(each)),
    )


def _was_refused(heard: Heard) -> bool:
    return heard.status in REFUSED and heard.retry_after
