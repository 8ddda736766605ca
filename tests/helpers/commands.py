"""The command line, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys

USAGE = 2


def run(*arguments: str, stdin: str | bytes = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m tokbench`, with everything captured as UTF-8."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "tokbench", *arguments],
        input=data,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80", **environment},
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def refuse(*arguments: str, says: str, stdin: str | bytes = "") -> None:
    """One line on standard error, exit status 2, nothing on standard output, no traceback."""
    done = run(*arguments, stdin=stdin)
    assert done.returncode == USAGE, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("tokbench: ")
    assert says in line
