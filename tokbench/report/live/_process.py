"""The process that loads tokenizers and encodes for the page."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from tokbench._shared.environment import count_cores
from tokbench.errors import TokbenchError
from tokbench.report.live._listing import Listed, Reply, Wanted

if TYPE_CHECKING:
    from tokbench.adapters import Tokenizer
    from tokbench.report.live._encoding import Kept

Load = Callable[[Wanted], "Tokenizer"]
"""Load a tokenizer under the given name. Must be importable by another process."""


@dataclass(frozen=True)
class Add:
    """Load a tokenizer in the background; an event says when it is ready, or why it failed."""

    wanted: Wanted


@dataclass(frozen=True)
class Remove:
    """Forget a tokenizer."""

    name: str


@dataclass(frozen=True)
class Ask:
    """Answer the body of a request."""

    body: bytes


Order = Add | Remove | Ask


def serve(orders: Connection, events: Connection, load: Load, wanted: Sequence[Wanted], path: Sequence[str]) -> None:
    """Load tokenizers in background threads, and carry out orders until the other end is closed.

    orders: receives orders, and sends the reply to each `Ask`. events: sends a `Listed` per loaded or failed tokenizer.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches this process too; the server ends it
    sys.path[:] = path
    process = _Process(events, load)
    for one in wanted:
        process.add(one)
    while True:
        try:
            order: Order = orders.recv()
        except EOFError:
            return
        match order:
            case Add(one):
                process.add(one)
            case Remove(name):
                process.remove(name)
            case Ask(body):
                orders.send(process.answer(body))


class _Process:
    """Tokenizers, ready or being loaded."""

    def __init__(self, events: Connection, load: Load) -> None:
        self._events = events
        self._load = load
        self._lock = threading.Lock()
        self._ready: dict[str, Tokenizer] = {}
        self._loading: set[str] = set()
        self._kept: Kept = {}
        self._pool = ThreadPoolExecutor(count_cores())

    def add(self, wanted: Wanted) -> None:
        """Start to load a tokenizer, unless that has been done."""
        with self._lock:
            if wanted.name in self._loading or wanted.name in self._ready:
                return
            self._loading.add(wanted.name)
        self._pool.submit(self._prepare, wanted).add_done_callback(lambda done: self._finish(wanted, done))

    def remove(self, name: str) -> None:
        """Forget a tokenizer; one that is being loaded will not be listed."""
        with self._lock:
            self._loading.discard(name)
            self._ready.pop(name, None)
            self._kept.pop(name, None)

    def answer(self, body: bytes) -> Reply:
        """Answer the body of a request with the tokenizers that are ready."""
        with self._lock:
            ready = dict(self._ready)
        return respond(body, ready, self._kept)

    def _prepare(self, wanted: Wanted) -> Tokenizer:
        tokenizer = self._load(wanted)
        tokenizer.token_table()  # here, rather than at the first keystroke
        tokenizer.special_tokens()
        tokenizer.encode("a")
        return tokenizer

    def _finish(self, wanted: Wanted, done: Future[Tokenizer]) -> None:
        error = done.exception()
        with self._lock:
            if wanted.name not in self._loading:  # removed meanwhile
                return
            self._loading.discard(wanted.name)
            if error is None:
                tokenizer = done.result()
                self._ready[wanted.name] = tokenizer
                listed = Listed(wanted.name, "ready", tokenizer.engine, tokenizer.vocab_total, upload=wanted.upload)
            else:
                fault = str(error) if isinstance(error, TokbenchError) else f"{type(error).__name__}: {error}"
                listed = Listed(wanted.name, "failed", fault=fault, upload=wanted.upload)
            self._events.send(listed)


def respond(body: bytes, tokenizers: dict[str, Tokenizer], kept: Kept | None = None) -> Reply:
    """Answer the body of a request; anything but a question is refused with status 400."""
    from tokbench.report.live._encoding import answer
    from tokbench.report.live._question import Question

    try:
        question = Question.read(json.loads(body))
        found = answer(question, tokenizers, kept)
    except (TokbenchError, ValueError) as error:
        return Reply.refuse(error)
    except RecursionError:
        return Reply.refuse("the request is nested too deeply")
    return Reply.of(
        {
            "bytes": len(question.text.encode()),
            "chars": len(question.text),
            "results": [one.to_document() for one in found],
        }
    )
