"""The command `tokbench`."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from typing import TextIO

from tokbench._shared.visible_text import reveal_controls
from tokbench.errors import INTERRUPTED, CacheWarning, NetworkWarning, TokbenchError

USAGE_ERROR = 2


def main() -> None:
    """Run the command line: an error that a user can mend is one line and exit status 2, never a traceback."""
    from tokbench.cli import app

    warnings.showwarning = show_warning
    try:
        app(prog_name="tokbench")
    except TokbenchError as error:
        sys.stderr.write(f"tokbench: {reveal_controls(str(error))}\n")
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        sys.stderr.write("tokbench: interrupted\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe has left; say nothing, and keep the interpreter from flushing into it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.stderr.write("tokbench: the output cannot be written: no space is left on the device\n")
        sys.exit(1)


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Write a warning about the cache or the network as one line, and any other as Python does."""
    stream = file or sys.stderr
    if issubclass(category, (CacheWarning, NetworkWarning)):
        stream.write(f"tokbench: {reveal_controls(str(message))}\n")
    else:
        stream.write(warnings.formatwarning(message, category, filename, lineno, line))


if __name__ == "__main__":
    main()
