"""An archive of recordings in, a file of turns for each out; what was done before is not done again."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import attrs

from fastdiar.archive.manifest import Manifest
from fastdiar.archive.plan import Plan
from fastdiar.archive.sources import Source, sources
from fastdiar.archive.work import Diarized, Failed, Work
from fastdiar.core.errors import DataError
from fastdiar.core.files import replacing
from fastdiar.core.formats import Format

DEADLY = Failed("broken, or too long for the memory: it brought down the process that heard it")

Engine = Callable[[Work, Iterable[Source]], Generator[tuple[Source, Diarized | Failed | None], None, None]]
"""Gives each recording with what was found, in any order; with None where it killed the process that heard it."""


@attrs.define
class Summary:
    """What became of an archive: recordings done now, done before, and failed; `seconds` of sound done now, in `elapsed`."""

    done: int = 0
    before: int = 0
    failed: int = 0
    seconds: float = 0.0
    elapsed: float = 0.0


def diarize_archive(
    arguments: Sequence[str],
    out: Path,
    work: Work,
    engine: Engine,
    progress: Callable[[float, float], None] = lambda done, total: None,
    tell: Callable[[str, str], None] = lambda path, reason: None,
) -> Summary:
    """Write the turns of all recordings that `arguments` name (see `sources`) below `out`, in the same layout.

    `manifest.jsonl` notes each as it is done or fails; what is done is skipped, unless its recording has changed. `progress`
    hears the seconds of sound that are done, and of about how many; `tell` hears of each recording that fails, and why. Raises
    `DataError`, `FormatError` and `ModelError`. Stopped at any moment, the next call goes on.
    """
    began, left, heard = time.monotonic(), 0, 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        with Manifest(out, work.settings) as manifest, Plan() as plan:
            target = _Target(out, work.style, manifest, tell)
            target.plan(plan, arguments)
            left = plan.bytes
            progress(0, 0)
            with closing(engine(work, plan.todo)) as results:
                for source, found in results:
                    target.keep(source, found or DEADLY)
                    left -= source.bytes
                    if isinstance(found, Diarized):
                        heard += source.bytes
                        progress(target.summary.seconds, target.summary.seconds * (1 + left / max(heard, 1)))
    except OSError as error:
        raise DataError(f"{error.filename or out}: {error.strerror}: mend that, and run this again to go on") from None
    target.summary.elapsed = time.monotonic() - began
    return target.summary


class _Target:
    """The folder that turns are written to, and what became of the recordings so far."""

    def __init__(self, folder: Path, style: Format, manifest: Manifest, tell: Callable[[str, str], None]) -> None:
        self._folder, self._style, self._manifest, self._tell = folder, style, manifest, tell
        self.summary = Summary()

    def plan(self, plan: Plan, arguments: Sequence[str]) -> None:
        """Plan all recordings but those that were done before."""
        for name, stamp, size in self._manifest.done():
            plan.know(name, stamp, size)
        for source in sources(arguments):
            known = plan.known(source)
            is_done = known is not None and self._size(source) == known
            other = plan.add(source, todo=not is_done)
            if other is None:
                self.summary.before += is_done
            elif other != source.path:
                self._fail(source, f"{other} would be written to the same file: rename one")

    def keep(self, source: Source, found: Diarized | Failed) -> None:
        """Write turns, or note why there are none; what there was of the recording before it changed goes."""
        path = self._folder / self._turns(source)
        if isinstance(found, Diarized):
            try:
                with replacing(path) as beside:
                    beside.write_bytes(found.text)
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise
                found = Failed("its name is too long")
        if isinstance(found, Failed):
            with suppress(OSError, ValueError):
                path.unlink()
            self._fail(source, found.reason)
            return
        self._manifest.add(source, self._turns(source), found)
        self.summary.done += 1
        self.summary.seconds += found.seconds

    def _fail(self, source: Source, reason: str) -> None:
        self._manifest.add_failed(source, reason)
        self._tell(source.path, reason)
        self.summary.failed += 1

    def _size(self, source: Source) -> int:
        path = self._folder / self._turns(source)
        return path.stat().st_size if path.is_file() else -1

    def _turns(self, source: Source) -> str:
        return f"{source.name}{self._style.suffix}"
