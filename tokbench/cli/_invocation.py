"""What the shared options of the running command say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Invocation:
    """The shared options of one command.

    quiet: whether to hide progress and notes.
    verbose: how much to explain: 0, 1 or more.
    output_format: the format of standard output.
    output: files to write as well.
    """

    quiet: bool = False
    verbose: int = 0
    output_format: str = "table"
    output: tuple[Path, ...] = ()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make this the running command."""
        token = _RUNNING.set(self)
        try:
            with self._log():
                yield
        finally:
            _RUNNING.reset(token)

    def _log(self) -> AbstractContextManager[None]:
        if not self.verbose:
            return nullcontext()
        from tokbench.cli._logging import logging_to_terminal

        return logging_to_terminal(self.verbose)


_RUNNING: ContextVar[Invocation | None] = ContextVar("tokbench.invocation", default=None)


def running() -> Invocation:
    """Return the shared options of the running command."""
    return _RUNNING.get() or Invocation()
