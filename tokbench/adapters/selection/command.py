"""Engines in a process of their own: a command in any language, or a function of Python."""

from __future__ import annotations

import json
import re
import shlex
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from tokbench._shared.child import environment_of_child
from tokbench._shared.visible_text import reveal_bytes
from tokbench.adapters.selection._pipe import LONGEST_LINE, LineProcess, PipeError
from tokbench.errors import TokbenchError

LIMIT = 60.0
"""Seconds within which each answer must come."""

_FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_SHOWN = 60


class ProcessEngine(ABC):
    """A function from texts to ids that another process computes.

    The process is started by the first call, and again by the next call after it has failed. Calls of several threads
    wait for each other. Use it as a context manager, which ends the process.
    """

    def __init__(self, name: str, arguments: Sequence[str], limit: float) -> None:
        self.__name__ = name
        self.arguments = list(arguments)
        self.limit = limit
        self.environment: dict[str, str] | None = None
        self._lock = threading.Lock()
        self._process: LineProcess | None = None

    def __call__(self, texts: Sequence[str]) -> list[Any]:
        """Return what the process answers for each text; PipeError, naming the engine, if it fails."""
        with self._lock:
            process = self.start()
            try:
                return self.exchange(process, texts)
            except PipeError as error:
                self.close()
                raise PipeError(f"{self.__name__}: {error.message}", error.hint, error.text) from error

    @abstractmethod
    def exchange(self, process: LineProcess, texts: Sequence[str]) -> list[Any]:
        """Send texts to the process and return its answers."""

    def start(self) -> LineProcess:
        """Return the process, started if it is not running; TokbenchError if it cannot be started."""
        if self._process is not None and not self._process.is_running:
            self.close()
        if self._process is None:
            self._process = LineProcess(self.arguments, self.environment)
        return self._process

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def __enter__(self) -> ProcessEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CommandEngine(ProcessEngine):
    """A command that reads texts as JSON strings, one per line, and answers each line with an array of ids.

    It must flush its output after each line. Its standard error is shown only if it fails.
    """

    def __init__(self, command: str, limit: float = LIMIT) -> None:
        """Parse a command line, which no shell runs; TokbenchError if it is empty or a quotation mark is missing."""
        try:
            arguments = shlex.split(command)
        except ValueError as error:
            raise TokbenchError(
                f"the command {command!r} cannot be parsed: {error}", "check its quotation marks"
            ) from error
        if not arguments or "\0" in command:
            raise TokbenchError(f"the command {command!r} names no program", "give a program with its arguments")
        super().__init__(command if len(command) <= _SHOWN else f"{command[:_SHOWN]}...", arguments, limit)

    def exchange(self, process: LineProcess, texts: Sequence[str]) -> list[Any]:
        """Send one line per text."""
        refuse_surplus(process)
        lines = [json.dumps(text).encode() + b"\n" for text in texts]
        pairs = zip(texts, process.ask(lines, self.limit), strict=True)
        rows = [read_row(answer, text) for text, answer in pairs]
        refuse_surplus(process)
        return rows


class FunctionEngine(ProcessEngine):
    """A function `module:name` of Python, in a process of its own: texts in, one row of ids per text out."""

    def __init__(self, name: str, limit: float = LIMIT) -> None:
        """Remember the function; TokbenchError unless it is written as module:name."""
        if not _FUNCTION.fullmatch(name):
            raise TokbenchError(f"{name!r} is no function", "write it as module:function")
        super().__init__(name, [sys.executable, "-m", "tokbench._shared.function_process", name], limit)
        self.environment = environment_of_child()

    def exchange(self, process: LineProcess, texts: Sequence[str]) -> list[Any]:
        """Send all texts as one line, for one call of the function."""
        (answer,) = process.ask([json.dumps(list(texts)).encode() + b"\n"], self.limit)
        document = read_json(answer)
        if isinstance(document, dict):
            raise PipeError(str(document.get("fault")))
        rows: list[Any] = document
        return rows


def is_function(argument: str) -> bool:
    """Return whether an argument is written as a function, `module:name`.

    >>> is_function("my_package.engine:encode"), is_function("hf:org/name"), is_function("gpt2")
    (True, False, False)
    """
    return _FUNCTION.fullmatch(argument) is not None


def refuse_surplus(process: LineProcess) -> None:
    """Raise PipeError if a line has come that answers no text."""
    if not process.answers.empty():
        line = process.answers.get()
        if line:
            raise PipeError(f"it prints more than one line per text: {shorten(line)}")


def read_row(answer: bytes, text: str) -> list[int]:
    """Read the ids of one text; PipeError for anything but an array of integers."""
    row = read_json(answer, text)
    if not isinstance(row, list) or not all(type(number) is int and abs(number) < 1 << 31 for number in row):
        raise PipeError(f"the answer to {text[:_SHOWN]!a} is no array of ids: {shorten(answer)}", text=text)
    return row


def read_json(answer: bytes, text: str | None = None) -> Any:
    """Read an answer; PipeError if it is no JSON."""
    if len(answer) >= LONGEST_LINE:
        raise PipeError("its answer is longer than any array of ids", text=text)
    try:
        return json.loads(answer)
    except (ValueError, RecursionError) as error:
        where = "" if text is None else f" to {text[:_SHOWN]!a}"
        raise PipeError(f"the answer{where} is no JSON: {shorten(answer)}", text=text) from error


def shorten(line: bytes) -> str:
    """Quote the beginning of a line."""
    shown = reveal_bytes(line.strip()[:_SHOWN])
    return f"'{shown}'" if len(line.strip()) <= _SHOWN else f"'{shown}...'"
