"""Work on many files in several processes, where one that kills its process costs only itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, finish: bool = True
) -> Generator[tuple[Item, Result | None], None, None]:
    """Each item with `function(item)`, as they are done; with None where it killed its process twice, as a broken decoder can.

    One item for each process is drawn ahead. What `function` raises is raised here, and ends the work. It must be one that can
    be pickled. Left early, what was begun is finished, unless `finish` is False: for what leaves nothing half done when killed.
    """
    items = iter(items)
    idle: list[_Worker[Item, Result]] = []
    busy: list[_Worker[Item, Result]] = []
    try:
        while True:
            for item in islice(items, workers - len(busy)):
                busy.append(idle.pop() if idle else _Worker(function))
                busy[-1].begin(item)
            if not busy:
                return
            ready = wait([worker.pipe for worker in busy])
            for worker in [worker for worker in busy if worker.pipe in ready]:
                if worker.is_done():
                    busy.remove(worker)
                    idle.append(worker)
                    yield worker.item, worker.result
    finally:
        for worker in (*idle, *busy):
            worker.dismiss(finish)
        for worker in (*idle, *busy):
            worker.join()


class _Worker(Generic[Item, Result]):
    """A process that does one item after the other; when it dies, another takes its place."""

    item: Item
    result: Result | None

    def __init__(self, function: Callable[[Item], Result]) -> None:
        self._function = function
        self._start()

    def begin(self, item: Item) -> None:
        if not self._process.is_alive():
            self._start()
        self.item, self._again = item, False
        self.pipe.send(item)

    def is_done(self) -> bool:
        """Whether there is a `result`; waits for the process to say something. Raises what the function raised."""
        try:
            self.result, error = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.join()
            self._start()
            if not self._again:  # it may have been another process that took all the memory
                self._again = True
                self.pipe.send(self.item)
                return False
            self.result, error = None, None
        if error is not None:
            raise error
        return True

    def dismiss(self, finish: bool) -> None:
        """Let the process end, with what it has begun or at once."""
        self.pipe.close()
        if not finish:
            self._process.terminate()

    def join(self) -> None:
        self._process.join()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _ctrl_c_waits():
            self._process.start()
        theirs.close()
        self.pipe.send(self._function)


def _work(pipe: Connection) -> None:
    """In each process: item after item, until the other end of the pipe is closed."""
    threading.Thread(target=_follow_parent, daemon=True).start()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy is imported, with the function: one thread a process
    try:
        function = pipe.recv()
        while True:
            pipe.send(_answer(function, pipe.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass


def _answer(function: Callable[[Item], Result], item: Item) -> tuple[Result | None, Exception | None]:
    try:
        return function(item), None
    except Exception as error:  # noqa: BLE001 - it is raised where the work is handed out
        return None, error


def _follow_parent() -> None:
    """Nobody works on after the parent is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Ctrl-C takes effect at the end, and never in the processes that are started here: it is for their parent to handle.

    They inherit that the signal is blocked. The handler is for a signal that another thread of this process takes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # or it would be started below, and unblock the signal
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
