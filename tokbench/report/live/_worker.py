"""The process that encodes for the page, ended if a text takes too long.

Engines cannot be interrupted: only ending their process frees the core. A separate process also keeps the server alive
if an engine crashes.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

from tokbench.adapters import Tokenizer
from tokbench.errors import TokbenchError
from tokbench.report.live._encoding import Question, answer

LIMIT_SECONDS = 6.0
"""Maximum time to encode the text of one request, so that a busy machine still answers within 10 seconds."""

Load = Callable[[], tuple[Sequence[Tokenizer], Sequence[str]]]
"""Load the tokenizers; return them, and the names of those not available. Must be importable by another process."""


@dataclass(frozen=True)
class Served:
    """What a worker serves: facts about its tokenizers, and the names of those not available."""

    tokenizers: tuple[Mapping[str, Any], ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """An answer to a request: an HTTP status and a JSON document."""

    status: int
    content: bytes

    @classmethod
    def of(cls, document: Any, status: int = 200) -> Reply:
        """Write a document as JSON."""
        return cls(status, json.dumps(document, ensure_ascii=False).encode(errors="replace"))


class Worker:
    """Tokenizers in a process of their own. `start` loads them; `ask` handles one request at a time."""

    def __init__(self, load: Load, limit: float = LIMIT_SECONDS) -> None:
        self._load = load
        self._limit = limit
        self._lock = threading.Lock()
        self._process: Any = None
        self._pipe: Connection | None = None
        self._served: Served | None = None

    def start(self) -> Served:
        """Start the process and load the tokenizers, unless already done.

        Raises TokbenchError if they cannot be loaded.
        """
        if self._pipe is None:
            self._spawn()
        if self._served is None:
            self._served = self._receive_served()
        return self._served

    def ask(self, body: bytes) -> Reply:
        """Answer a request; one that takes too long, or ends the process, is refused with status 503."""
        with self._lock:
            try:
                self.start()
                assert self._pipe is not None
                self._pipe.send_bytes(body)
                if self._pipe.poll(self._limit):
                    reply: Reply = self._pipe.recv()
                    return reply
                fault = f"the text takes longer than {self._limit:g} s to encode: choose a shorter one"
            except (EOFError, OSError):
                fault = "an engine ended its process on this text: choose other tokenizers or another text"
            except TokbenchError as error:
                fault = str(error)
            self.close()
            self._spawn()
            return Reply.of({"error": fault}, 503)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = self._served = None

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._load, list(sys.path)))
        self._process.start()
        theirs.close()

    def _receive_served(self) -> Served:
        assert self._pipe is not None
        try:
            served = self._pipe.recv()
        except EOFError as error:
            raise TokbenchError("an engine ended its process while loading", "leave out tokenizers") from error
        if isinstance(served, TokbenchError):
            raise served
        assert isinstance(served, Served)
        return served


def _serve(pipe: Connection, load: Load, path: list[str]) -> None:
    """Load the tokenizers, then answer requests until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches this process too; the server ends it
    sys.path[:] = path
    try:
        loaded, missing = load()
    except TokbenchError as error:
        pipe.send(TokbenchError(error.message, error.hint))  # its subclasses cannot be pickled
        return
    for tokenizer in loaded:
        tokenizer.token_table()  # here, rather than at the first keystroke
    facts = tuple({"name": t.name, "engine": t.engine, "vocabulary": t.vocab_total} for t in loaded)
    pipe.send(Served(facts, tuple(missing)))
    served = {tokenizer.name: tokenizer for tokenizer in loaded}
    while True:
        try:
            body = pipe.recv_bytes()
        except EOFError:
            return
        pipe.send(respond(body, served))


def respond(body: bytes, tokenizers: Mapping[str, Tokenizer]) -> Reply:
    """Answer the body of a request; anything but a question is refused with status 400."""
    try:
        question = Question.read(json.loads(body))
        found = answer(question, tokenizers)
    except (TokbenchError, ValueError) as error:
        return Reply.of({"error": str(error)}, 400)
    except RecursionError:
        return Reply.of({"error": "the request is nested too deeply"}, 400)
    return Reply.of(
        {
            "bytes": len(question.text.encode()),
            "chars": len(question.text),
            "results": [asdict(encoded) for encoded in found],
        }
    )
