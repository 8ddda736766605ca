"""The command line, run in this process or, where the process itself is tested, in one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest import mock

from tokbench.__main__ import main
from tokbench.errors import CacheWarning, CorpusWarning

USAGE = 2
WIDTH = "80"


@dataclass(frozen=True)
class Result:
    """What a command line printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, stdin: str | bytes = "", **environment: str) -> Result:
    """Run `tokbench` in this process, through the entry point of its script, with everything captured as UTF-8.

    Any warning but those about the cache and corpus names, which are shown, fails the test.
    """
    data = stdin.encode() if isinstance(stdin, str) else stdin
    standard = [io.TextIOWrapper(io.BytesIO(content), encoding="utf-8") for content in (data, b"", b"")]
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, {"COLUMNS": WIDTH, **environment}))
        stack.enter_context(mock.patch.object(sys, "argv", ["tokbench", *arguments]))
        stack.enter_context(mock.patch.object(sys, "stdin", standard[0]))
        stack.enter_context(redirect_stdout(standard[1]))
        stack.enter_context(redirect_stderr(standard[2]))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always", CacheWarning)
        warnings.simplefilter("always", CorpusWarning)
        status = _find_status()
    written = []
    for stream in standard[1:]:
        stream.flush()
        written.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return Result(status, *written)


def _find_status() -> int:
    try:
        main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    return 0


def run_process(*arguments: str | bytes, stdin: str | bytes = "", **environment: str) -> Result:
    """Run `python -m tokbench` as a user does: start-up, encodings and exit statuses are the interpreter's own."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "tokbench", *arguments],
        input=data,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": WIDTH, **environment},
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def refuse(*arguments: str, says: str, stdin: str | bytes = "") -> None:
    """One line on standard error, exit status 2, nothing on standard output, no traceback."""
    done = run(*arguments, stdin=stdin)
    assert done.returncode == USAGE, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("tokbench: ")
    assert says in line
