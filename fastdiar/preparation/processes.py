"""Work on many files in several processes, where one that kills its process costs only itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 8
"""Items in hand for each process: more are not drawn before some are done."""


def in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[tuple[Item, Result | None], None, None]:
    """Each item with `function(item)`, as they are done; with None where it killed its process, as a broken decoder can.

    What `function` raises is raised here, and ends the work. It must stand at the top of a module.
    """
    items = iter(items)
    suspects: list[Item] | None = []
    while suspects is not None:
        for item in suspects:
            yield item, _alone(function, item)
        suspects = yield from _until_broken(function, items, workers)


def _until_broken(
    function: Callable[[Item], Result], items: Iterator[Item], workers: int
) -> Generator[tuple[Item, Result], None, list[Item] | None]:
    """Returns None when all is done; or, when a process has died, the items that were in hand."""
    in_hand: dict[Future[Result], Item] = {}
    drawn: list[Item] = []
    with _pool(workers) as pool:
        try:
            for item in items:
                drawn = [item]
                in_hand[pool.submit(function, item)] = item
                drawn = []
                if len(in_hand) >= AHEAD * workers:
                    yield from _done(in_hand)
            while in_hand:
                yield from _done(in_hand)
        except BrokenProcessPool:
            return [*in_hand.values(), *drawn]
    return None


def _done(in_hand: dict[Future[Result], Item]) -> Iterator[tuple[Item, Result]]:
    for future in wait(in_hand, return_when=FIRST_COMPLETED).done:
        result = future.result()
        yield in_hand.pop(future), result


def _alone(function: Callable[[Item], Result], item: Item) -> Result | None:
    with _pool(1) as pool:
        try:
            return pool.submit(function, item).result()
        except BrokenProcessPool:
            return None


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool that, when left early, finishes what was begun and forgets the rest."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin)
    try:
        with _ctrl_c_waits():
            for _ in range(workers):
                pool.submit(int)  # nothing but a reason to start a process
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Ctrl-C takes effect at the end, and never in the processes that are started here: it is for their parent to handle.

    They inherit that the signal is blocked. The handler is for a signal that another thread of this process takes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, handler)
    if received:
        signal.raise_signal(signal.SIGINT)


def _begin() -> None:
    """In each process: nobody works on after the parent is gone."""
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
