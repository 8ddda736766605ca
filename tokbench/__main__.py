"""The command `tokbench`."""

from __future__ import annotations

import errno
import signal
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tokbench._shared.visible_text import reveal_controls
from tokbench.errors import INTERRUPTED, TokbenchError

USAGE_ERROR = 2
LONGEST_LINE = 1500
"""Characters of an error that are shown: arguments and files may hold megabytes."""


def main() -> None:
    """Run the command line: an error that a user can fix is one line and exit status 2, never a traceback."""
    try:
        sys.exit(run())
    except KeyboardInterrupt:
        tell("interrupted")
        sys.exit(INTERRUPTED)


def run() -> int:
    """Set up the streams, run the command that the arguments name, and return the exit status."""
    from tokbench.cli._output import FAILED, Escapes, occupy_closed_streams

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end_by_signal)
    occupy_closed_streams()
    escapes = Escapes()
    escapes.install()
    status = run_command()
    note = escapes.describe()
    if note is not None:
        tell(note)
    return status or (FAILED if note else 0)


def end_by_signal(number: int, _: FrameType | None) -> NoReturn:
    """End as an exception does, so that temporary files are removed; shells report this exit status."""
    raise SystemExit(128 + number)


def run_command() -> int:
    """Run the command that the arguments name, and return its exit status."""
    from tokbench._shared.process import allow_trimming
    from tokbench.cli import app
    from tokbench.cli._output import FAILED, describe_output_error, silence_output
    from tokbench.cli._usage import run_app
    from tokbench.cli._warnings import show_warning

    warnings.showwarning = show_warning
    try:
        with allow_trimming():
            return run_app(app)
    except SystemExit as end:
        return read_status(end.code)
    except TokbenchError as error:
        tell(str(error))
        return USAGE_ERROR
    except ImportError as error:
        if is_interrupted(error):
            raise KeyboardInterrupt from error
        raise
    except MemoryError:
        tell("there is not enough memory; use fewer tokenizers or a part of the corpus (-n)")
        return FAILED
    except BrokenPipeError:
        silence_output()  # the reader of a pipe has left
        return FAILED
    except OSError as error:
        if is_folder_gone():
            tell("the current folder no longer exists; change to another one")
            return USAGE_ERROR
        if error.errno != errno.ENOSPC:
            raise
        silence_output()
        tell(describe_output_error(error))
        return FAILED


def read_status(code: str | int | None) -> int:
    """Return the exit status that a SystemExit stands for."""
    if isinstance(code, str):
        tell(code)
        return 1
    return code or 0


def tell(sentence: str) -> None:
    """Write one line to standard error, if it is open."""
    if sys.stderr is not None:
        shown = reveal_controls(sentence)
        if len(shown) > LONGEST_LINE:
            shown = f"{shown[: LONGEST_LINE // 2]} ... {shown[-LONGEST_LINE // 3 :]}"  # the reason, and the remedy
        sys.stderr.write(f"tokbench: {shown}\n")


def is_interrupted(error: BaseException) -> bool:
    """Return whether Ctrl-C is behind an error: one that meets the import of a compiled module is an ImportError."""
    known: BaseException | None = error
    while known is not None and not isinstance(known, KeyboardInterrupt):
        known = known.__cause__ or known.__context__
    return known is not None


def is_folder_gone() -> bool:
    """Return whether the current folder was deleted."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


if __name__ == "__main__":
    main()
