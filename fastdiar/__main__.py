"""`fastdiar`, and `python -m fastdiar`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main() -> None:
    """Run the command of the command line and end with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns its exit code: 2 where a person has something to mend, said in lines without a traceback."""
    try:
        import typer

        from fastdiar.cli import app
        from fastdiar.core.errors import FastdiarError

        try:
            code = app(list(arguments) or ["--help"], prog_name="fastdiar", standalone_mode=False)
            sys.stdout.flush()
        except (FastdiarError, typer.TyperException) as error:
            words = error.format_message() if isinstance(error, typer.TyperException) else str(error)
            for line in words.splitlines():
                print(f"fastdiar: error: {_visible(line)}", file=sys.stderr)
            return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter would complain when it flushes
        return 1
    return code if isinstance(code, int) else 0


def _visible(line: str) -> str:
    """What a file says may end up in an error; it must not steer the terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda control: repr(control[0])[1:-1], line)


if __name__ == "__main__":
    main()
