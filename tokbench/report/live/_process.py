"""The process that loads tokenizers and encodes for the page."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NamedTuple

from tokbench._shared.environment import count_cores
from tokbench._shared.process import allow_trimming, release_freed
from tokbench._shared.visible_text import reveal_controls
from tokbench.errors import EngineError, TokbenchError
from tokbench.report.live._listing import Listed, Reply, Wanted

if TYPE_CHECKING:
    from tokbench.adapters import Tokenizer
    from tokbench.report.live._encoding import Kept, Watch

Load = Callable[[Wanted], "Tokenizer"]
"""Load a tokenizer under the given name. Must be importable by another process."""

LONGEST_FAULT = 500
"""Characters of a reason, which may quote a file."""


class Numbered(NamedTuple):
    """A tokenizer to load, and the number of the request for it, which tells it from others of that name."""

    number: int
    wanted: Wanted


class Event(NamedTuple):
    """A tokenizer has been loaded, or has failed."""

    number: int
    listed: Listed


class Asked(NamedTuple):
    """The body of a request, and the numbers of the tokenizers that are wanted as it is sent."""

    body: bytes
    numbers: frozenset[int]


@dataclass(frozen=True)
class Begun:
    """A tokenizer begins to encode the texts of the request."""

    name: str


@dataclass(frozen=True)
class Ended:
    """A tokenizer has encoded the texts of the request."""

    name: str


Answer = Begun | Ended | Reply
"""What is sent about a request; the reply comes last."""


def serve(
    asks: Connection,
    orders: Connection,
    events: Connection,
    load: Load,
    wanted: Sequence[Numbered],
    path: Sequence[str],
) -> None:
    """Load tokenizers in background threads, and answer requests until the other end is closed.

    asks: receives each request as `Asked`, and sends what `Answer` lists. orders: receives all tokenizers that are
    wanted, whenever they change. events: sends an `Event` per loaded or failed tokenizer.
    """
    os.environ["RUST_BACKTRACE"] = "0"  # a panic is caught and shown on the page
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches this process too; the server ends it
    sys.path[:] = path
    process = _Process(events, load)
    process.want(wanted)
    # Orders are read while a text is encoded, so that whoever sends them need not wait.
    threading.Thread(target=_follow_orders, args=(orders, process), daemon=True).start()
    with allow_trimming(), suppress(EOFError):
        while True:
            asks.send(process.answer(asks.recv(), _watch(asks)))


def _follow_orders(orders: Connection, process: _Process) -> None:
    while True:
        try:
            wanted: Sequence[Numbered] = orders.recv()
        except EOFError:
            return
        process.want(wanted)


def _watch(asks: Connection) -> Watch:
    """Return a context that tells when a tokenizer begins and ends to encode, from any thread."""
    lock = threading.Lock()

    @contextmanager
    def watch(name: str) -> Iterator[None]:
        with lock:
            asks.send(Begun(name))
        yield
        with lock:
            asks.send(Ended(name))

    return watch


class _Process:
    """Tokenizers, ready or being loaded."""

    def __init__(self, events: Connection, load: Load) -> None:
        self._events = events
        self._load = load
        self._telling = threading.Lock()
        self._lock = threading.Lock()  # guards what follows
        self._numbers: dict[str, int] = {}
        self._loading: dict[str, Future[Tokenizer]] = {}
        self._ready: dict[str, Tokenizer] = {}
        self._kept: Kept = {}
        self._pool = ThreadPoolExecutor(count_cores())

    def want(self, wanted: Sequence[Numbered]) -> None:
        """Start to load what is new, and forget what is not wanted any more."""
        numbers = {one.wanted.name: one.number for one in wanted}
        dropped: list[Future[Tokenizer] | None] = []
        with self._lock:
            for name in [name for name, number in self._numbers.items() if numbers.get(name) != number]:
                del self._numbers[name]
                self._ready.pop(name, None)
                dropped.append(self._loading.pop(name, None))
            fresh = [one for one in wanted if one.wanted.name not in self._numbers]
            for one in fresh:
                self._numbers[one.wanted.name] = one.number
                self._loading[one.wanted.name] = self._pool.submit(self._prepare, one.wanted)
            begun = [(one, self._loading[one.wanted.name]) for one in fresh]
        for future in filter(None, dropped):  # without the lock, which `_finish` takes
            future.cancel()  # one that has begun is not listed when it ends
        for one, loading in begun:
            loading.add_done_callback(partial(self._finish, one))
        if dropped:
            release_freed()

    def answer(self, asked: Asked, watch: Watch) -> Reply:
        """Answer a request with the tokenizers that are ready, and wanted: an order may arrive after a request."""
        with self._lock:
            ready = {name: one for name, one in self._ready.items() if self._numbers[name] in asked.numbers}
            for name in [name for name, kept in self._kept.items() if kept[0] is not ready.get(name)]:
                del self._kept[name]
        return respond(asked.body, ready, self._kept, watch)

    def _prepare(self, wanted: Wanted) -> Tokenizer:
        tokenizer = self._load(wanted)
        tokenizer.token_table()  # here, rather than at the first keystroke
        tokenizer.special_tokens()
        tokenizer.encode("a")
        return tokenizer

    def _finish(self, one: Numbered, done: Future[Tokenizer]) -> None:
        name = one.wanted.name
        with self._lock:
            if self._numbers.get(name) != one.number or done.cancelled():  # removed meanwhile
                return
            self._loading.pop(name, None)
            error = done.exception()
            if error is None:
                tokenizer = self._ready[name] = done.result()
                listed = Listed(name, "ready", tokenizer.engine, tokenizer.vocab_total, upload=one.wanted.upload)
            else:
                listed = Listed(name, "failed", fault=explain(error), upload=one.wanted.upload)
        with self._telling:
            self._events.send(Event(one.number, listed))


def explain(error: BaseException) -> str:
    """Return why a tokenizer could not be loaded, in a line that names no file which only the system's errors name."""
    if isinstance(error, EngineError):  # which names the tokenizer, as the page does
        fault = f"{error.fault}; {error.hint}" if error.hint else error.fault
    elif isinstance(error, TokbenchError):
        fault = str(error)
    elif isinstance(error, OSError):  # whose text has the path
        fault = f"its file cannot be read: {error.strerror or type(error).__name__}"
    elif isinstance(error, MemoryError):
        fault = "there is not enough memory for it"
    else:
        fault = f"{type(error).__name__}: {error}"
    visible = reveal_controls(fault)
    return visible if len(visible) <= LONGEST_FAULT else f"{visible[:LONGEST_FAULT]}…"


def respond(
    body: bytes, tokenizers: dict[str, Tokenizer], kept: Kept | None = None, watch: Watch | None = None
) -> Reply:
    """Answer the body of a request; anything but a question is refused with status 400."""
    from tokbench.report.live._encoding import answer
    from tokbench.report.live._question import Question

    try:
        question = Question.read(json.loads(body))
        found = answer(question, tokenizers, kept, watch)
    except (TokbenchError, ValueError) as error:
        return Reply.refuse(error)
    except RecursionError:
        return Reply.refuse("the request is nested too deeply")
    except MemoryError:
        return Reply.refuse("there is not enough memory for this text: choose a shorter one", 503)
    return Reply.of(
        {
            "bytes": len(question.text.encode()),
            "chars": len(question.text),
            "results": [one.to_document() for one in found],
        }
    )
