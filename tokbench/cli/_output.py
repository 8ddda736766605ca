"""Output of results: standard output first, then files, whatever fails."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import typer

from tokbench.cli._echo import echo, echo_bytes
from tokbench.errors import TokbenchError

FAILED = 1
"""Exit status of a command that has its results but could not write all of them."""

STANDARD_OUTPUT = Path("-")
"""Standard output as a file, which has every result anyway."""

_HANDLER = "tokbench.escape"

_DRAWN = dict(
    zip(
        "\u2500\u2502\u2191\u2193\u2026\u00d7\u2014\u2013\u2588\u258c\u00b7\u2020",
        ("-", "|", "^", "v", "...", "x", "--", "-", "#", "|", "-", "+"),
        strict=True,
    )
)
"""Symbols of tables that have an ASCII form, so that nothing is lost."""


class Escapes:
    """Escape and count the characters that standard output cannot encode."""

    def __init__(self) -> None:
        self.escaped = 0

    def install(self) -> None:
        """Make standard output use this, unless it cannot be reconfigured."""
        codecs.register_error(_HANDLER, self._escape)
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_HANDLER)

    def describe(self) -> str | None:
        """Return a sentence if anything was escaped."""
        if not self.escaped:
            return None
        encoding = getattr(sys.stdout, "encoding", "ASCII")
        return f"standard output is {encoding}: {self.escaped:,} characters are shown as \\u...; set PYTHONUTF8=1"

    def _escape(self, error: UnicodeError) -> tuple[str | bytes, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        written = [_DRAWN.get(character, "") for character in error.object[error.start : error.end]]
        if all(written):
            return "".join(written), error.end
        self.escaped += error.end - error.start
        return codecs.backslashreplace_errors(error)


def occupy_closed_streams() -> None:
    """Open the null device for each standard stream that is closed.

    Otherwise the first file that is opened gets the number of the stream, and what libraries print lands in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one


def deliver(text: str | bytes, writes: Sequence[Callable[[], object]] = ()) -> None:
    """Print a result, then write files: a step that fails does not stop the others.

    Each failure is one line on standard error, and the exit status is 1. A closed pipe is not reported.
    """
    failures: list[str] = []
    with ExitStack() as steps:  # runs all of them, also after one that raises what nobody expected
        for step in (*reversed(writes), lambda: print_result(text)):
            steps.callback(attempt, step, failures)
    for failure in failures:
        if failure:
            echo(f"tokbench: {failure}", err=True)
    if failures:
        raise typer.Exit(FAILED)


def attempt(step: Callable[[], object], failures: list[str]) -> None:
    """Run a step; append what failed, empty for a closed pipe."""
    try:
        step()
    except BrokenPipeError:
        silence_output()
        failures.append("")
    except TokbenchError as error:
        failures.append(str(error))
    except OSError as error:
        silence_output()
        failures.append(describe_output_error(error))


@contextmanager
def delivering(found: Sized, bring_out: Callable[[], None]) -> Iterator[None]:
    """Write out what a block has found when it ends, even if by an error, which is raised afterwards."""
    try:
        yield
    except BaseException:
        if found:
            with suppress(typer.Exit):
                bring_out()
        raise
    bring_out()


def print_result(text: str | bytes) -> None:
    """Print to standard output; TokbenchError if it is closed."""
    if not text:
        return
    if sys.stdout is None:
        raise TokbenchError("standard output is closed: the result was not printed", "use -o FILE")
    if isinstance(text, bytes):
        echo_bytes(text)
    else:
        echo(text, nl=False)
    sys.stdout.flush()


def describe_output_error(error: OSError) -> str:
    """Say why standard output cannot be written."""
    reason = "no space is left on the device" if error.errno == errno.ENOSPC else error.strerror or str(error)
    return f"the output cannot be written: {reason}"


def silence_output() -> None:
    """Point standard output to the null device, so that the interpreter does not fail again when it flushes."""
    if sys.stdout is None:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
