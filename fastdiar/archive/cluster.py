"""Work on many files in the processes of a Ray cluster, whose machines may come and go."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from fastdiar.core.errors import DataError, needs

Item = TypeVar("Item")
Result = TypeVar("Result")

TRIES = 5
"""Times that an item is begun anew after its process or its machine died."""
REACHED_SECONDS = 10.0
"""Within which the cluster's address must answer."""
AHEAD = 2
"""Items in hand for each process of the cluster: one that is worked on, one that waits."""


def in_cluster(
    function: Callable[[Item], Result], items: Iterable[Item], address: str, cores: int = 1, at_once: int | None = None
) -> Generator[tuple[Item, Result | None], None, None]:
    """Each item with `function(item)`, as they are done, computed by the Ray cluster at `address`, each on so many `cores`.

    With None where it killed its process again and again. As many items are in hand `at_once` as are given, or else as keep the
    cluster busy, whatever its size is then. What `function` raises is raised here, and ends the work; it must be importable on
    every machine. Raises `MissingExtra`, and `DataError` where there is no cluster.
    """
    with needs("ray", "--engine ray"):
        import ray
    _check_reachable(address)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise DataError(_no_cluster(address, str(error).strip().splitlines()[0])) from None
    try:
        yield from _computed(ray, function, items, cores, at_once)
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        try:
            socket.create_connection((host, int(port)), timeout=REACHED_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise DataError(_no_cluster(address, str(error))) from None


def _no_cluster(address: str, reason: str) -> str:
    return f"no Ray cluster at '{address}': start one with ray start --head, or say where it is by --ray-address ({reason})"


def _computed(
    ray: Any, function: Callable[[Item], Result], items: Iterable[Item], cores: int, at_once: int | None
) -> Iterator[tuple[Item, Result | None]]:
    task = ray.remote(num_cpus=cores, max_retries=TRIES)(_call)
    stored = ray.put(function)
    begin = partial(task.remote, stored)
    in_hand: dict[Any, tuple[Item, int]] = {}
    for item in items:
        in_hand[begin(item)] = item, TRIES
        if len(in_hand) >= (at_once or AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)) // cores)):
            yield from _done(ray, begin, in_hand)
    while in_hand:
        yield from _done(ray, begin, in_hand)


def _call(function: Callable[[Item], Result], item: Item) -> Result:
    return function(item)


def _done(ray: Any, begin: Callable[[Item], Any], in_hand: dict[Any, tuple[Item, int]]) -> Iterator[tuple[Item, Result | None]]:
    """Waits for one, and gives all that are done by then. `in_hand` says how often each may be begun anew."""
    ray.wait(list(in_hand))
    for reference in ray.wait(list(in_hand), num_returns=len(in_hand), timeout=0)[0]:
        item, left = in_hand.pop(reference)
        try:
            result = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.LocalRayletDiedError:  # the machine died as the item reached it: Ray itself tries no other
            if left:
                in_hand[begin(item)] = item, left - 1
                continue
            result = None
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError):
            result = None
        yield item, result
