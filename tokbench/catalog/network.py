"""Bounded use of the network: every transfer has a limit in time and size.

A transfer that takes long is announced by a `NetworkWarning` and ended by an UnavailableError. Requests run on daemon
threads, because neither name servers nor libraries keep to a time limit; an abandoned one cannot delay the process.
Texts are sent only by `post`, which follows no redirect.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from tokbench._shared.notes import note_slow
from tokbench.catalog._network_limits import Limits
from tokbench.catalog.waiting import suggest_retry
from tokbench.errors import UnavailableError

if TYPE_CHECKING:
    from urllib.request import HTTPRedirectHandler, OpenerDirector

T = TypeVar("T")

USER_AGENT = {"User-Agent": "tokbench"}
_PIECE = 1 << 16
_LOG = logging.getLogger(__name__)


LIMITS = Limits()


class Transfer:
    """The progress of one transfer, shared by the thread that runs it and the one that waits.

    name: what it fetches, as errors call it.
    maximum: the most bytes to accept; None for no limit.
    ahead: bytes that may have arrived before they are counted, because a library counts in large pieces.
    """

    def __init__(self, name: str, maximum: int | None, ahead: int = 0) -> None:
        self.name = name
        self.maximum = maximum
        self.ahead = ahead
        self.received = 0
        self.abandoned = False

    def add(self, count: int) -> None:
        """Count received bytes.

        Raises UnavailableError if there are too many, or if nobody waits for them any more.
        """
        self.received += count
        self.check_size(self.received)
        if self.abandoned:
            raise UnavailableError(f"{self.name} was abandoned")

    def check_size(self, size: int | None) -> None:
        """Raise UnavailableError if a size is over the limit."""
        if self.maximum is not None and size is not None and size > self.maximum:
            raise UnavailableError(f"{self.name} is larger than the limit of {self.maximum:,} bytes")

    def run(self, task: Callable[[Transfer], T]) -> T:
        """Return what the task returns, or raise what it raises.

        Raises UnavailableError when the time allowed for the received bytes is over.
        """
        outcome: Future[T] = Future()
        _LOG.info("requesting %s", self.name)

        def settle() -> None:
            try:
                outcome.set_result(task(self))
            except BaseException as error:  # noqa: BLE001 - raised again where the transfer is waited for
                outcome.set_exception(error)

        threading.Thread(target=settle, daemon=True).start()
        begun = time.monotonic()
        try:
            wait([outcome], min(LIMITS.notice, self._allow()))
            if not outcome.done():
                note_slow(self.name, LIMITS.notice)
            while not outcome.done() and (left := begun + self._allow() - time.monotonic()) > 0:
                wait([outcome], left)
        finally:
            self.abandoned = not outcome.done()
        if self.abandoned:
            waited = time.monotonic() - begun
            raise UnavailableError(f"{self.name} is too slow: {self.received:,} bytes in {waited:.0f} s")
        result = outcome.result()
        _LOG.info("received %s: %d bytes", self.name, self.received)
        return result

    def _allow(self) -> float:
        return LIMITS.grace + (self.received + self.ahead) / LIMITS.rate


def download(address: str, stream: IO[bytes], maximum: int | None) -> None:
    """Write the file at an http(s) address to a stream.

    maximum: its known size, which it must not exceed; None for the general limit.
    Raises UnavailableError unless the file is complete.
    """
    transfer = Transfer(address, LIMITS.file if maximum is None else maximum)
    transfer.run(lambda running: _copy(address, stream, running))


def _copy(address: str, stream: IO[bytes], transfer: Transfer) -> None:
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request

    request = Request(address, headers=USER_AGENT)  # noqa: S310 - the catalogue has http(s) only
    try:
        with _make_opener().open(request, timeout=LIMITS.silence) as answer:
            expected = _check_headers(answer.headers, transfer)
            while piece := answer.read1(_PIECE):
                transfer.add(len(piece))
                stream.write(piece)
    except HTTPError as error:
        hint = suggest_retry(error.headers)
        error.close()
        reason = f"status {error.code}" if "redirect" not in str(error.msg).lower() else f"{error.msg}"
        raise UnavailableError(f"{address} could not be downloaded: {reason}", hint) from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a redirect to an invalid address
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise UnavailableError(f"{address} could not be downloaded: {reason}") from error
    if expected is not None and transfer.received != expected:
        raise UnavailableError(f"{address} was cut off after {transfer.received} of {expected} bytes")


def _check_headers(headers: Any, transfer: Transfer) -> int | None:
    """Return the promised number of bytes; UnavailableError if the answer is not a file."""
    kind = headers.get_content_type()
    if kind == "text/html" and "Content-Type" in headers:
        raise UnavailableError(
            f"{transfer.name} could not be downloaded: the answer is a web page",
            "if this network has a login page, log in and try again",
        )
    if encoding := headers.get("Content-Encoding"):
        raise UnavailableError(
            f"{transfer.name} could not be downloaded: it is encoded as {encoding}, which was not requested"
        )
    promised = headers.get("Content-Length") or ""
    if not (promised.isascii() and promised.isdigit() and len(promised) < 100) or headers.get("Transfer-Encoding"):
        return None
    transfer.check_size(int(promised))
    return int(promised)


def _make_opener() -> OpenerDirector:
    """Return an opener that follows redirects to http(s) only, never from https to http."""
    from urllib.error import URLError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class Careful(HTTPRedirectHandler):
        def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            scheme = urlsplit(newurl).scheme
            if scheme != "https" and (scheme != "http" or req.type != "http"):
                raise URLError(f"it redirects to {newurl}")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

        def http_error_302(self, req: Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
            try:
                return super().http_error_302(req, fp, code, msg, headers)
            except (OSError, ValueError):
                fp.close()
                raise

        http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    return build_opener(Careful)


# ---- what is sent


@dataclass(frozen=True)
class Answer:
    """What a server answers to `post`: status, headers (names in lower case), body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(address: str, headers: Mapping[str, str], content: bytes, name: str) -> Answer:
    """Send a document to an http(s) address and return the answer, whatever its status.

    name: what errors call it; neither they nor warnings show headers or content.
    A redirect is returned like any other answer: keys and texts go to one host, and to no other. An http address, which
    is on this machine, is reached without a proxy, which would read them.
    Raises UnavailableError if there is no answer, or if it is too large or too slow.
    """
    sent = {**USER_AGENT, **headers}
    return Transfer(name, LIMITS.answer).run(lambda running: _exchange(address, sent, content, running))


def _exchange(address: str, headers: Mapping[str, str], content: bytes, transfer: Transfer) -> Answer:
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    body = bytearray()
    direct = [ProxyHandler({})] if address.startswith("http:") else []
    request = Request(address, content, dict(headers), method="POST")  # noqa: S310 - the caller has http(s) only
    try:
        try:
            answer = build_opener(_refuse_redirects(), *direct).open(request, timeout=LIMITS.silence)
        except HTTPError as error:
            answer = error
        with answer:
            while piece := answer.read1(_PIECE):
                transfer.add(len(piece))
                body += piece
    except (OSError, HTTPException, ValueError) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise UnavailableError(f"{transfer.name} failed: {reason}") from error
    return Answer(answer.status, {key.lower(): value for key, value in answer.headers.items()}, bytes(body))


def _refuse_redirects() -> type[HTTPRedirectHandler]:
    from urllib.request import HTTPRedirectHandler

    return type("NoRedirect", (HTTPRedirectHandler,), {"redirect_request": lambda *_: None})  # one host, and no other


# ---- whether a host can be reached


class Probe(threading.Thread):
    """One request to a host, on a thread because looking up a name has no timeout."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.fault: str | None = f"no answer within {LIMITS.probe:.0f} s"
        self.start()

    def run(self) -> None:
        """Send the request; any answer counts, even an error, which the download explains."""
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request, build_opener

        request = Request(self.address, method="HEAD", headers=USER_AGENT)  # noqa: S310 - the catalogue has http(s) only
        try:
            build_opener(_refuse_redirects()).open(request, timeout=LIMITS.probe).close()
        except (OSError, HTTPException) as error:
            answered = isinstance(error, HTTPError) or "CERTIFICATE" in str(error)
            self.fault = None if answered else str(getattr(error, "reason", error))
        else:
            self.fault = None


class Network:
    """What is known about the network: one request per host, within a bounded total time."""

    def __init__(self) -> None:
        self.probes: dict[str, Probe] = {}
        self.waited = 0.0

    def find_fault(self, address: str) -> str | None:
        """Return why a host cannot be reached, or None."""
        parts = urlsplit(address)
        if parts.netloc not in self.probes:
            _LOG.info("asking whether %s can be reached", parts.netloc)
            self.probes[parts.netloc] = Probe(f"{parts.scheme}://{parts.netloc}/")
        begun = time.monotonic()
        probe = self.probes[parts.netloc]
        probe.join(max(0.1, LIMITS.probe - self.waited))
        if probe.fault is None:
            return None
        self.waited += time.monotonic() - begun
        return f"no network ({parts.netloc}: {probe.fault})"


_network = Network()


def find_fault(address: str) -> str | None:
    """Return why the host of an address cannot be reached, or None."""
    return _network.find_fault(address)
