"""What a stream can show."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO


def use_color(stream: TextIO | None) -> bool:
    """Return whether to write colours to a stream: to a terminal, unless the environment says otherwise.

    NO_COLOR forbids them, else FORCE_COLOR asks for them, also in pipes and files; each counts if it is not empty.
    A terminal of the type `dumb` has none.
    """
    if stream is None or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return os.environ["FORCE_COLOR"] != "0"
    return stream.isatty() and os.environ.get("TERM") != "dumb"


PIPE_WIDTH = 100
"""Columns of what goes to a pipe or a file, unless COLUMNS says otherwise."""


def measure_width() -> int:
    """Return the columns of standard output: COLUMNS, else those of the terminal, else `PIPE_WIDTH`."""
    if sys.stdout is not None and sys.stdout.isatty():
        return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    try:
        columns = int(os.environ.get("COLUMNS", ""))
    except ValueError:
        columns = 0
    return columns if columns > 0 else PIPE_WIDTH
