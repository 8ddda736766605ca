"""Warnings on standard error: one line each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

from tokbench._shared.visible_text import reveal_controls
from tokbench.cli._invocation import running
from tokbench.errors import CacheWarning, CorpusWarning, NetworkWarning


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Write a warning as one line; that of a library with its name, and with `-v` its place.

    Hidden by `-q`.
    """
    asked = running()
    if asked.quiet:
        return
    text = " ".join(str(message).split())
    if not issubclass(category, (CacheWarning, CorpusWarning, NetworkWarning)):
        place = f"{filename}:{lineno}" if asked.verbose else name_library(filename)
        text = f"{category.__name__} of {place}: {text}"
    (file or sys.stderr).write(f"tokbench: {reveal_controls(text)}\n")


def name_library(filename: str) -> str:
    """Return the package that a file belongs to, or its name.

    >>> name_library("/usr/lib/python3.12/site-packages/torch/nn/functional.py")
    'torch'
    """
    parts = Path(filename).parts
    places = [i for i, part in enumerate(parts) if part in ("site-packages", "dist-packages")]
    return Path(parts[places[-1] + 1]).stem if places and places[-1] + 1 < len(parts) else Path(filename).name
