"""Count many texts by a counting API: several requests at a time, waits, retries, and an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from tokbench._shared.environment import Clock
from tokbench.catalog.counting_apis import CountingModel, request_count
from tokbench.errors import UnavailableError

AGAIN = "what was counted is kept: run the command again to go on"
_CHECK = 0.2  # seconds after which a wait for an answer looks for Ctrl-C


@dataclass(frozen=True)
class Patience:
    """How long to go on.

    attempts: requests per text. pause: seconds before the second, doubled before each further one, unless the server
        asks for another wait. longest: seconds of a wait that is still accepted. senders: requests at a time.
    """

    attempts: int = 6
    pause: float = 1.0
    longest: float = 120.0
    senders: int = 4


PATIENCE = Patience()


class StoppedError(Exception):
    """Nobody waits for the counts any more."""


class CountRequests:
    """Requests for counts of one model, from several threads.

    most: the most requests to send, repeated ones included.
    clock, wait: time, and how it passes; `wait` is called with seconds.
    """

    def __init__(
        self,
        model: CountingModel,
        key: str,
        most: int,
        *,
        clock: Clock = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self.model = model
        self.most = most
        self.sent = 0
        self.over = threading.Event()
        self._key = key
        self._clock = clock
        self._wait = wait or self.over.wait
        self._resume = clock()
        self._lock = threading.Lock()

    def count(self, text: str) -> int:
        """Return the tokens of a text, as the API counts them.

        Raises UnavailableError if that fails, or at the limit of requests, StoppedError if `over` is set.
        """
        pause, reason = PATIENCE.pause, ""
        for _ in range(PATIENCE.attempts):
            self._begin()
            outcome = request_count(self.model, self._key, text)
            if isinstance(outcome, int):
                return outcome
            reason, wait = outcome.reason, pause if outcome.wait is None else outcome.wait
            if wait > PATIENCE.longest:
                raise UnavailableError(f"{reason} and asks to wait {wait:,.0f} s", AGAIN)
            pause *= 2
            with self._lock:
                self._resume = max(self._resume, self._clock() + wait)
        raise UnavailableError(f"{reason}, {PATIENCE.attempts} times", AGAIN)

    def _begin(self) -> None:
        """Wait until the next request may be sent, and count it."""
        while not self.over.is_set() and (left := self._resume - self._clock()) > 0:
            self._wait(left)
        if self.over.is_set():
            raise StoppedError
        with self._lock:
            if self.sent >= self.most:
                raise UnavailableError(
                    f"{self.model.name}: the limit of {self.most:,} requests is reached", f"{AGAIN}, or raise the limit"
                )
            self.sent += 1


def count_each(requests: CountRequests, texts: Sequence[str]) -> Generator[tuple[str, int]]:
    """Yield each text with its tokens, in the order in which the answers come.

    Requests run on daemon threads, which neither Ctrl-C nor the end of the process waits for. What has been counted
    before an error is yielded before it is raised.
    """
    waiting: SimpleQueue[str] = SimpleQueue()
    outcomes: SimpleQueue[tuple[str, int] | BaseException] = SimpleQueue()
    for text in texts:
        waiting.put(text)

    def send() -> None:
        try:
            while True:
                text = waiting.get_nowait()
                outcomes.put((text, requests.count(text)))
        except (Empty, StoppedError):
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where the counts are waited for
            outcomes.put(error)

    for _ in texts[: PATIENCE.senders]:
        threading.Thread(target=send, daemon=True).start()
    try:
        yield from _take(outcomes, len(texts), requests.over)
    except BaseException:
        requests.over.set()
        raise


def _take(
    outcomes: SimpleQueue[tuple[str, int] | BaseException], number: int, over: threading.Event
) -> Iterator[tuple[str, int]]:
    """Yield the given number of counts, or those before the first error, which is raised."""
    failure: BaseException | None = None
    while number:
        try:
            outcome = outcomes.get(timeout=_CHECK)
        except Empty:
            if failure is not None:
                raise failure from None
            continue
        if isinstance(outcome, BaseException):
            failure = failure or outcome
            over.set()
        else:
            number -= 1
            yield outcome
