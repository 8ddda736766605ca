"""A process that answers line by line over pipes, with a deadline for each answer."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO

from tokbench._shared.child import describe_end
from tokbench._shared.visible_text import reveal_bytes
from tokbench.errors import TokbenchError

LONGEST_LINE = 1 << 28
"""Bytes of the longest answer that is read."""
_KEPT_LINES, _KEPT_BYTES = 50, 4096
_PATIENCE = 5.0
"""Seconds that an ended process may take to be collected."""


class PipeError(TokbenchError):
    """A process that did not answer as it should.

    text: the text that it was to encode; None if no single one is at fault.
    """

    def __init__(self, message: str, hint: str | None = None, text: str | None = None) -> None:
        super().__init__(message, hint)
        self.text = text


class LineProcess:
    """A process with a thread that reads its answers and one that keeps the end of its standard error."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start the process; TokbenchError if that is impossible."""
        try:
            self.process = subprocess.Popen(  # noqa: S603 - the command that the user gave
                list(arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise TokbenchError(f"cannot start {arguments[0]!r}: {reason}", "check the command") from error
        self.answers: queue.Queue[bytes] = queue.Queue()
        self.errors: deque[bytes] = deque(maxlen=_KEPT_LINES)
        self._threads = [
            threading.Thread(target=self._read_answers, args=(self._pipe("stdout"),), daemon=True),
            threading.Thread(target=self._read_errors, args=(self._pipe("stderr"),), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _pipe(self, name: str) -> IO[bytes]:
        pipe: IO[bytes] | None = getattr(self.process, name)
        assert pipe is not None
        return pipe

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def _read_answers(self, stream: IO[bytes]) -> None:
        with suppress(ValueError, OSError):  # closed by `close`
            while line := stream.readline(LONGEST_LINE):
                self.answers.put(line)
        self.answers.put(b"")

    def _read_errors(self, stream: IO[bytes]) -> None:
        with suppress(ValueError, OSError):
            while line := stream.readline(_KEPT_BYTES):
                self.errors.append(line)

    def ask(self, lines: Sequence[bytes], limit: float) -> Iterator[bytes]:
        """Write lines and yield as many answers, each within `limit` seconds of the one before.

        Raises PipeError if the process ends or is late.
        """
        writer = threading.Thread(target=self._write, args=(b"".join(lines),), daemon=True)
        writer.start()
        for number in range(len(lines)):
            try:
                answer = self.answers.get(timeout=limit)
            except queue.Empty:
                self.close()
                late = f"it gave no answer within {limit:g} s, after {number:,} of {len(lines):,}"
                raise PipeError(late, "does it flush its output after each line?") from None
            if not answer:
                raise PipeError(f"{self.describe_end()}, after {number:,} of {len(lines):,} answers")
            yield answer
        writer.join(limit)

    def _write(self, content: bytes) -> None:
        stream = self._pipe("stdin")
        with suppress(BrokenPipeError, ValueError, OSError):
            stream.write(content)
            stream.flush()

    def describe_end(self) -> str:
        """Say how the process ended, with the last line of its standard error."""
        with suppress(BrokenPipeError, OSError):
            self._pipe("stdin").close()
        try:
            status = self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.close()
            return "it closed its output"
        self._threads[1].join(_PATIENCE)
        return describe_end(status, "\n".join(reveal_bytes(line.strip()) for line in self.errors))

    def close(self) -> None:
        """End the process with its children, and close the pipes."""
        if self.is_running:
            with suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    os.killpg(self.process.pid, signal.SIGKILL)
                else:
                    self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(_PATIENCE)
        for name in ("stdin", "stdout", "stderr"):
            with suppress(BrokenPipeError, OSError):
                self._pipe(name).close()
