"""Processes that live as long as the server does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PAUSE_SECONDS = 1.0
"""Before a process that ended is started again; one that cannot start must not fill the machine with attempts."""


@contextmanager
def kept_running(module: str) -> Iterator[None]:
    """`python -m MODULE` in a process that is started again where it ends, until the block does."""
    ending = threading.Event()
    process = [_started(module)]

    def keep() -> None:
        while True:
            process[0].wait()
            if ending.wait(PAUSE_SECONDS):
                return
            process[0] = _started(module)

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ending.set()
        while keeper.is_alive():
            process[0].terminate()
            keeper.join(PAUSE_SECONDS)


def end_with_parent() -> None:
    """End this process when the one that started it is gone, however that went: nobody is left who could end it."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _started(module: str) -> subprocess.Popen[bytes]:
    # -P: what lies in the folder that the server was started in is not imported. A group of its own: Ctrl-C is the server's.
    return subprocess.Popen([sys.executable, "-P", "-m", module], process_group=0)
