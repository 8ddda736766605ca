"""A hostile case: a command line, its surroundings, and what must hold of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What a process did: exit status (negative: the signal that ended it), or None if it was stopped at the limit."""

    status: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    cpu: float


Check = Callable[[Run], "str | None"]
"""What is wrong with an answer, or None."""


@dataclass(frozen=True)
class Case:
    """One command line of `tokbench`.

    note: what is hostile about it, in a few words. stdin: its content, or None if it is closed. environment: changes;
    None removes a variable. before: runs in the process before the command, and may start a thread. outputs: files that
    must be whole or absent. refused: exit status 0 is wrong. check: runs where the answer was `ok`, in this process.
    reference: likewise, in another process, as it runs the library that reads the same damaged file.
    """

    note: str
    arguments: tuple[str, ...]
    stdin: bytes | None = b""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    folder: Path | None = None
    before: Callable[[], None] | None = None
    outputs: tuple[Path, ...] = ()
    refused: bool = False
    checks: tuple[Check, ...] = ()
    reference: Check | None = None
    escapes: bool = True
    """Whether control characters on standard output are wrong."""
    figures: bool = False
    """Whether there must be figures on standard output, whatever else fails."""
    accepted: bool = False
    """Whether an error is wrong."""
    silent: bool = False
    """Whether an error without a line is right: nobody is there to read it."""
    noted: bool = False
    """Whether other lines than ours may precede the error: a command that says what it does."""
    stopped: bool = False
    """Whether it is stopped by SIGINT in the end, as `view` is."""
    seconds: float | None = None
    """How long it may take, where the usual limit is that of a part of it."""
