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
from multiprocessing.connection import Connection
from typing import Any

from tokbench.errors import TokbenchError
from tokbench.report.live._listing import Listed, Reply, Wanted
from tokbench.report.live._process import Add, Ask, Load, Order, Remove, serve

LIMIT_SECONDS = 6.0
"""Maximum time to encode the text of one request, so that a busy machine still answers within 10 seconds."""

MOST_TOKENIZERS = 64
"""Maximum number of tokenizers loaded at a time."""

Tell = Callable[[Listed], None]


class Worker:
    """Tokenizers in a process of their own, which loads them in the background.

    `ask` handles one request at a time.
    tell: called from another thread with each tokenizer that has been loaded or has failed, before it is listed so.
    """

    def __init__(self, load: Load, wanted: Sequence[Wanted] = (), *, tell: Tell | None = None) -> None:
        self._load = load
        self._limit = LIMIT_SECONDS
        self._tell = tell
        self._asking = threading.Lock()
        self._changed = threading.Condition(threading.RLock())  # guards what follows
        self._wanted = {one.name: one for one in wanted}
        self._listed = {one.name: Listed(one.name, "loading", upload=one.upload) for one in wanted}
        self._process: Any = None
        self._orders: Connection | None = None

    def start(self) -> None:
        """Start the process, unless it runs; it loads the tokenizers in the background."""
        with self._changed:
            if self._process is not None and self._process.is_alive():
                return
            self._end()
            context = multiprocessing.get_context("spawn")
            self._orders, orders = context.Pipe()
            received, events = context.Pipe(duplex=False)
            arguments = (orders, events, self._load, [*self._wanted.values()], [*sys.path])
            process = context.Process(target=serve, args=arguments, daemon=True)
            process.start()
            self._process = process
            orders.close()
            events.close()
            for one in self._wanted.values():
                self._set(Listed(one.name, "loading", upload=one.upload))
            threading.Thread(target=self._follow, args=(process, received), daemon=True).start()

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
            self._wanted[wanted.name] = wanted
            self._set(Listed(wanted.name, "loading", upload=wanted.upload))
            self.start()
            self._send(Add(wanted))

    def remove(self, name: str) -> None:
        """Forget a tokenizer, if there is one of this name."""
        with self._changed:
            self._listed.pop(name, None)
            if self._wanted.pop(name, None) is not None:
                self._send(Remove(name))
            self._changed.notify_all()

    def ask(self, body: bytes) -> Reply:
        """Answer a request; one that takes too long, or ends the process, is refused with status 503."""
        with self._asking:
            try:
                self.start()
                with self._changed:
                    orders = self._orders
                    assert orders is not None
                    orders.send(Ask(body))
                if orders.poll(self._limit):
                    reply: Reply = orders.recv()
                    return reply
                fault = f"the text takes longer than {self._limit:g} s to encode: choose a shorter one"
            except (EOFError, OSError):
                fault = "an engine ended its process on this text: choose other tokenizers or another text"
            with self._changed:
                self._end()
                self.start()
            return Reply.refuse(fault, 503)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        with self._changed:
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()
        if self._orders is not None:
            self._orders.close()
        self._orders = None

    def _send(self, order: Order) -> None:
        if self._orders is not None:
            try:
                self._orders.send(order)
            except OSError:  # the process has ended; the next one knows
                return

    def _set(self, listed: Listed) -> None:
        self._listed[listed.name] = listed
        self._changed.notify_all()

    def _follow(self, process: Any, events: Connection) -> None:
        """Note what a process has loaded, until it ends."""
        while True:
            try:
                listed: Listed = events.recv()
            except (EOFError, OSError):
                break
            self._note(process, listed)
        events.close()
        process.kill()
        process.join()  # its pipes close a moment before it ends: nothing must be sent to it any more
        fault = "an engine ended its process while this tokenizer was loading: leave it out"
        for one in self.list():
            if one.state == "loading":
                self._note(process, replace(one, state="failed", fault=fault))

    def _note(self, process: Any, listed: Listed) -> None:
        with self._changed:
            if process is not self._process or listed.name not in self._wanted:
                return
            if listed.state == "failed":  # so that it can be added again, and no new process tries it
                del self._wanted[listed.name]
            if self._tell is not None:
                self._tell(listed)
            self._set(listed)
