"""What the shared options of the running command say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from tokbench.cli._logging import logging_to_terminal


@dataclass(frozen=True)
class Invocation:
    """The shared options of one command.

    quiet: whether to hide progress and notes.
    verbose: how much to explain: 0, 1 or more.
    output_format: the format of standard output.
    files: files to write as well, with their formats; empty where the command writes them itself.
    """

    quiet: bool = False
    verbose: int = 0
    output_format: str = "table"
    files: tuple[tuple[Path, str], ...] = ()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make this the running command."""
        token = _RUNNING.set(self)
        try:
            with logging_to_terminal(self.verbose):
                yield
        finally:
            _RUNNING.reset(token)


_RUNNING: ContextVar[Invocation | None] = ContextVar("tokbench.invocation", default=None)


def running() -> Invocation:
    """Return the shared options of the running command."""
    return _RUNNING.get() or Invocation()
