"""The tokenizers of the page, in a process that is ended if a text takes too long.

Engines cannot be interrupted: only ending their process frees the core. A separate process also keeps the server alive
if an engine crashes.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

from tokbench.errors import TokbenchError
from tokbench.report.live._listing import Listed, Reply, Wanted
from tokbench.report.live._process import Answer, Asked, Begun, Ended, Event, Load, Numbered, serve

LIMIT_SECONDS = 6.0
"""Maximum time to encode the text of one request, so that a busy machine still answers within 10 seconds."""

MOST_TOKENIZERS = 64
"""Maximum number of tokenizers loaded at a time."""

MOST_LISTED = 128
"""Maximum number of tokenizers listed: of those that failed, the oldest are forgotten."""

PATIENCE = 5
"""Number of limits granted while tokenizers are being loaded, which take the processor and the interpreter's lock."""

Tell = Callable[[Listed], None]


class Worker:
    """Tokenizers in a process of their own, which loads them in the background.

    `ask` handles one request at a time; everything else returns at once, whatever the process is doing.
    tell: called from another thread with each tokenizer that has been loaded or has failed, before it is listed so.
    """

    def __init__(self, load: Load, wanted: Sequence[Wanted] = (), *, tell: Tell | None = None) -> None:
        self._load = load
        self._limit = LIMIT_SECONDS
        self._tell = tell
        self._asking = threading.Lock()
        self._numbers = count()
        self._changed = threading.Condition(threading.RLock())  # guards what follows
        self._wanted = {one.name: Numbered(next(self._numbers), one) for one in wanted}
        self._listed = {one.name: Listed(one.name, "loading", upload=one.upload) for one in wanted}
        self._process: Any = None
        self._asks: Connection | None = None

    def start(self) -> None:
        """Start the process, unless it runs; it loads the tokenizers in the background."""
        with self._changed:
            if self._process is not None and self._process.is_alive():
                return
            self._end()
            context = multiprocessing.get_context("spawn")
            self._asks, asks = context.Pipe()
            orders, sent = context.Pipe(duplex=False)
            received, events = context.Pipe(duplex=False)
            wanted = tuple(self._wanted.values())
            arguments = (asks, orders, events, self._load, wanted, [*sys.path])
            process = context.Process(target=serve, args=arguments, daemon=True)
            process.start()
            self._process = process
            for end in (asks, orders, events):
                end.close()
            for _, one in wanted:
                self._set(Listed(one.name, "loading", upload=one.upload))
            threading.Thread(target=self._follow, args=(process, received), daemon=True).start()
            threading.Thread(target=self._send_orders, args=(process, sent, wanted), daemon=True).start()

    def list(self) -> tuple[Listed, ...]:
        """Return the tokenizers, in the order in which they were added."""
        with self._changed:
            return tuple(self._listed.values())

    def wait(self, seconds: float) -> tuple[Listed, ...]:
        """Wait until no tokenizer is loading, at most this long; return all."""
        with self._changed:
            self._changed.wait_for(lambda: all(one.state != "loading" for one in self._listed.values()), seconds)
            return self.list()

    def add(self, wanted: Wanted) -> None:
        """Start to load a tokenizer, unless it is loaded or being loaded.

        Raises TokbenchError if there are too many.
        """
        with self._changed:
            if wanted.name in self._wanted:
                return
            if len(self._wanted) >= MOST_TOKENIZERS:
                raise TokbenchError(f"{MOST_TOKENIZERS} tokenizers are loaded", "remove some")
            failed = [one.name for one in self._listed.values() if one.state == "failed"]
            for name in failed[: max(0, len(self._listed) + 1 - MOST_LISTED)]:
                del self._listed[name]
            self._wanted[wanted.name] = Numbered(next(self._numbers), wanted)
            self._set(Listed(wanted.name, "loading", upload=wanted.upload))
            self.start()

    def remove(self, name: str) -> None:
        """Forget a tokenizer, if there is one of this name."""
        with self._changed:
            self._listed.pop(name, None)
            self._wanted.pop(name, None)
            self._changed.notify_all()

    def ask(self, body: bytes) -> Reply:
        """Answer a request.

        One that takes too long, or ends the process, is refused with status 503, naming the tokenizers that were
        encoding it.
        """
        with self._asking:
            self.start()
            with self._changed:
                process, asks = self._process, self._asks
                asked = Asked(body, frozenset(number for number, _ in self._wanted.values()))
            assert asks is not None
            deadline = Deadline(self._limit, partial(self._is_loading, process), partial(self._drop, process))
            begun: set[str] = set()
            try:
                reply = self._exchange(asks, asked, begun)
                ended = False
            except (EOFError, OSError):
                reply = explain_end(sorted(begun), self._limit if deadline.is_over else None)
                ended = True
            deadline.cancel()
            if ended or deadline.is_over:
                process.kill()
                process.join()
                with self._changed:
                    if self._process is process:
                        self._end()
                    self.start()
            return reply

    def close(self) -> None:
        """End the process, whatever it is doing."""
        with self._changed:
            self._end()

    def _is_loading(self, process: Any) -> bool:
        with self._changed:
            return self._process is process and any(one.state == "loading" for one in self._listed.values())

    def _drop(self, process: Any) -> None:
        """End a process that takes too long over a text, which is not the fault of what it is loading."""
        with self._changed:
            if self._process is process:
                self._process = None
                self._changed.notify_all()
        process.kill()

    def _exchange(self, asks: Connection, asked: Asked, begun: set[str]) -> Reply:
        """Send a request, and return its reply; `begun` names the tokenizers that are encoding meanwhile."""
        asks.send(asked)
        while True:
            answer: Answer = asks.recv()
            match answer:
                case Begun(name):
                    begun.add(name)
                case Ended(name):
                    begun.discard(name)
                case Reply():
                    return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()
        self._asks = None  # closed once `ask` does not read it any more
        self._changed.notify_all()

    def _send_orders(self, process: Any, orders: Connection, sent: tuple[Numbered, ...]) -> None:
        """Send a process the tokenizers that are wanted, whenever they change.

        Done in a thread of its own: a process that is busy, or stopped, may not read for a while.
        """

        def is_due() -> bool:
            return self._process is not process or tuple(self._wanted.values()) != sent

        with orders:
            while True:
                with self._changed:
                    self._changed.wait_for(is_due)
                    if self._process is not process:
                        return
                    sent = tuple(self._wanted.values())
                try:
                    orders.send(sent)
                except OSError:  # the process has ended; the next one knows
                    return

    def _set(self, listed: Listed) -> None:
        self._listed[listed.name] = listed
        self._changed.notify_all()

    def _follow(self, process: Any, events: Connection) -> None:
        """Note what a process has loaded, until it ends."""
        while True:
            try:
                event: Event = events.recv()
            except (EOFError, OSError):
                break
            self._note(process, event)
        events.close()
        process.kill()
        process.join()  # its pipes close a moment before it ends: nothing must be sent to it any more
        fault = "an engine ended its process while this tokenizer was loading: leave it out"
        with self._changed:
            loading = [(n, self._listed[one.name]) for n, one in self._wanted.values() if one.name in self._listed]
        for number, one in loading:
            if one.state == "loading":
                self._note(process, Event(number, replace(one, state="failed", fault=fault)))

    def _note(self, process: Any, event: Event) -> None:
        number, listed = event
        with self._changed:
            wanted = self._wanted.get(listed.name)
            if process is not self._process or wanted is None or wanted.number != number:
                return
            if listed.state == "failed":  # so that it can be added again, and no new process tries it
                del self._wanted[listed.name]
            if self._tell is not None:
                self._tell(listed)
            self._set(listed)


class Deadline:
    """Calls `act` in a thread after a limit, or a few of them while there is a reason to wait.

    is_over: whether it has.
    """

    def __init__(self, seconds: float, is_reason: Callable[[], bool], act: Callable[[], None]) -> None:
        self.is_over = False
        self._seconds = seconds
        self._left = PATIENCE
        self._is_reason = is_reason
        self._act = act
        self._cancelled = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def cancel(self) -> None:
        """Do not act any more."""
        self._cancelled.set()

    def _wait(self) -> None:
        while not self._cancelled.wait(self._seconds):
            self._left -= 1
            if self._left > 0 and self._is_reason():
                continue
            self.is_over = True
            self._act()
            return


def explain_end(encoding: Sequence[str], limit: float | None) -> Reply:
    """Return why a text was not encoded.

    encoding: names of the tokenizers that were encoding it. limit: seconds after which the process was ended; None if
    it ended by itself.
    """
    who = " and ".join(encoding)
    if limit is not None:
        fault = f"the text takes {who}{' ' if who else ''}longer than {limit:g} s to encode"
        return Reply.refuse(f"{fault}: choose a shorter one", 503, encoding)
    fault = f"the engine of {who}" if who else "an engine"
    return Reply.refuse(f"{fault} ended its process on this text: choose another one", 503, encoding)
