"""Run cases in forks of a process that has imported everything and has started no thread.

A new interpreter would cost a second per case; a fork costs 10 ms. Linux and macOS only.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import io
import os
import resource
import select
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from hostile.case import Case, Run

SECONDS = 10.0
MEMORY = 3 << 30
FILE_SIZE = 1 << 28
_LOADED = 4
"""How many times longer a process may take on a machine that gives it less than half a core."""


def run_case(case: Case, folder: Path, environment: Mapping[str, str]) -> Run:
    """Run the command line of a case; its output is collected in `folder`."""
    stdout, stderr = folder / "stdout", folder / "stderr"
    stdin = None if case.stdin is None else folder / "stdin"
    if stdin is not None:
        stdin.write_bytes(case.stdin or b"")

    def work() -> int:
        redirect(stdin, stdout, stderr)
        limit()
        os.environ.clear()
        os.environ.update(environment)
        for name, value in case.environment.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        reread_environment()
        os.chdir(case.folder or folder)
        make_streams()
        if case.before:
            case.before()
            make_streams()  # as an interpreter that starts with what `before` did to them
        return run_command(case.arguments)

    status, seconds, cpu = fork(work, case.seconds or SECONDS)
    return Run(status, stdout.read_bytes(), stderr.read_bytes(), seconds, cpu)


def reread_environment() -> None:
    """Let a library that is imported already, and reads its settings then, read them again."""
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        importlib.reload(constants)


def ask(question: Callable[[], str | None], folder: Path) -> str | None:
    """Answer a question in another process; None if it does not live to answer."""
    answer = folder / "answer"
    answer.unlink(missing_ok=True)

    def work() -> int:
        redirect(None, folder / "answer-stdout", folder / "answer-stderr")
        limit()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        answer.write_text(question() or "", "utf-8", errors="backslashreplace")
        return 0

    status, _, _ = fork(work, SECONDS)
    return (answer.read_text("utf-8") or None) if status == 0 else None


def fork(work: Callable[[], int], limit: float) -> tuple[int | None, float, float]:
    """Run `work` in a fork; return its exit status (None: stopped at the limit), and its wall and CPU time."""
    begun = time.monotonic()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.setsid()
            status = work()
        except BaseException:  # noqa: BLE001 - a fork must not go on in the code of its parent
            traceback.print_exc()
        finally:
            os._exit(status)
    handle = os.pidfd_open(child) if hasattr(os, "pidfd_open") else None
    ended = wait(child, handle, begun, limit)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: a group of the dead
        os.killpg(child, signal.SIGKILL)
    _, code, used = os.wait4(child, 0)
    if handle is not None:
        os.close(handle)
    status = os.waitstatus_to_exitcode(code) if ended else None
    return status, time.monotonic() - begun, used.ru_utime + used.ru_stime


def wait(child: int, handle: int | None, begun: float, limit: float) -> bool:
    """Wait for a child; return whether it ended by itself within the limit."""
    end = begun + limit
    while True:
        left = end - time.monotonic()
        if handle is None:
            ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            ended or time.sleep(min(0.01, max(left, 0)))
        else:
            ended = bool(select.select([handle], [], [], max(left, 0))[0])
        if ended:
            return True
        if time.monotonic() >= end:
            used = read_cpu(child)
            if used is None or not limit / 10 < used < limit * 0.5 or end > begun + limit:
                return False
            end = begun + limit * _LOADED  # the machine is busy


def read_cpu(child: int) -> float | None:
    """Return the CPU time of a process, if the system tells."""
    try:
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def redirect(stdin: Path | None, stdout: Path, stderr: Path) -> None:
    """Make these files the standard streams of this process."""
    if stdin is None:
        os.close(0)
    else:
        os.dup2(os.open(stdin, os.O_RDONLY), 0)
    os.dup2(os.open(stdout, os.O_RDWR | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)


def limit() -> None:
    """Limit memory and files of this process, and write no core."""
    for kind, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_FSIZE, FILE_SIZE), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def make_streams() -> None:
    """Open the standard streams as the interpreter does."""
    encoding = (os.environ.get("PYTHONIOENCODING") or "utf-8").partition(":")[0]
    try:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding=encoding)
    except OSError:
        sys.stdin = None  # type: ignore[assignment]
    try:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), encoding=encoding)
    except OSError:
        sys.stdout = None  # type: ignore[assignment]
    error = io.BufferedWriter(io.FileIO(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(error, encoding=encoding, errors="backslashreplace", line_buffering=True)
    sys.__stdout__, sys.__stderr__, sys.__stdin__ = sys.stdout, sys.stderr, sys.stdin


def run_command(arguments: tuple[str, ...]) -> int:
    """Run `tokbench` through its entry point, and end as the interpreter does."""
    from tokbench.__main__ import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)
    sys.argv = ["tokbench", *arguments]
    status = 0
    try:
        main()
    except SystemExit as left:
        status = find_status(left)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        status = 1
        traceback.print_exc()
    return finish(status)


def find_status(left: SystemExit) -> int:
    """Return the exit status; a text is printed, as the interpreter does."""
    if left.code is None or isinstance(left.code, int):
        return (left.code or 0) & 0xFF
    sys.stderr.write(f"{left.code}\n")
    return 1


def finish(status: int) -> int:
    """Wait for threads, call what was registered, flush."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write("Exception ignored in: standard output\n" + traceback.format_exc())
        status = 120
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    return status
