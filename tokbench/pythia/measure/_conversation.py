"""Talk to a measured process: send commands, read answers, and say what ended it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import Any

from tokbench._shared.child import describe_end, environment_of_child
from tokbench.errors import TokbenchError
from tokbench.pythia.measure._probe_process import Request

_MODULE = "tokbench.pythia.measure._probe_process"
_PATIENCE = 30.0
"""Seconds that a process has for ending."""


class Conversation:
    """A measured process, ended when the context is left, or after `limit` seconds.

    task: what it does, for messages: "measuring pythia-70m as int8 on ctranslate2".
    """

    def __init__(self, request: Request, task: str, limit: float) -> None:
        self._request, self._task, self._limit = request, task, limit
        self._expired = False

    def __enter__(self) -> Conversation:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
            env=environment_of_child(),
        )
        self._timer = threading.Timer(self._limit, self._expire)
        self._timer.daemon = True
        self._timer.start()
        self._send(asdict(self._request))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if kind is not None:
            self._process.kill()
        with suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
        self._errors.close()

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    @property
    def _stdout(self) -> Any:
        return self._process.stdout

    def ask(self, *command: object) -> Any:
        """Send a command and return its answer.

        Raises the TokbenchError that the process reports, or one that says what ended it.
        """
        self._send(command)
        line = self._stdout.readline()
        if not line:
            self._fail()
        answer = json.loads(line)
        if "error" in answer:
            raise TokbenchError(answer["error"]["message"], answer["error"]["hint"])
        return answer["result"]

    def _send(self, value: object) -> None:
        with suppress(BrokenPipeError):  # `ask` finds no answer and says why
            self._stdin.write(json.dumps(value) + "\n")
            self._stdin.flush()

    def _expire(self) -> None:
        self._expired = True
        self._process.kill()

    def _fail(self) -> None:
        status = self._process.wait()
        if self._expired:
            message = f"{self._task} was ended after {self._limit:,.0f} s without a result"
            raise TokbenchError(message, "choose a smaller model, or fewer and shorter rounds")
        self._errors.seek(0)
        ended = describe_end(status, self._errors.read())
        raise TokbenchError(f"{self._task} failed: {ended}", "if it ran out of memory, choose a smaller model")
