"""Warnings on standard error: one line each for our own."""

from __future__ import annotations

import sys
import warnings
from typing import TextIO

from tokbench._shared.visible_text import reveal_controls
from tokbench.errors import CacheWarning, CorpusWarning, NetworkWarning


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Write a warning about the cache, the network or a corpus as one line, and any other as Python does."""
    stream = file or sys.stderr
    if issubclass(category, (CacheWarning, CorpusWarning, NetworkWarning)):
        stream.write(f"tokbench: {reveal_controls(str(message))}\n")
    else:
        stream.write(warnings.formatwarning(message, category, filename, lineno, line))
