"""`fastdiar`, and `python -m fastdiar`."""

from __future__ import annotations

import os
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
        from fastdiar.core.errors import FastdiarError, said

        try:
            code = app(list(arguments) or ["--help"], prog_name="fastdiar", standalone_mode=False)
            sys.stdout.flush()
        except (FastdiarError, typer.TyperException) as error:
            # typer checks choices with pydantic, which says first that it does.
            words = error.format_message().replace("Value error, ", "") if isinstance(error, typer.TyperException) else str(error)
            context = getattr(error, "ctx", None)
            print(said("error", f"{words} (see {context.command_path} --help)" if context else words), file=sys.stderr)
            return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter would complain when it flushes
        if isinstance(error, BrokenPipeError):
            return 1
        print(f"fastdiar: error: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        return 2
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
