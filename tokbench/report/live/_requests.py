"""Requests with a body: read within limits, and passed on one after the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tokbench._shared.offline import is_offline
from tokbench.errors import TokbenchError
from tokbench.report.live import _choice
from tokbench.report.live._listing import Reply
from tokbench.report.live._uploads import MOST_BYTES as MOST_UPLOADED
from tokbench.report.live._uploads import Uploads
from tokbench.report.live._worker import Worker

if TYPE_CHECKING:
    from starlette.requests import Request

MOST_BYTES = 4_000_000
"""Maximum size of a request to encode."""
MOST_NAMED = 10_000
"""Maximum size of a request to add or remove a tokenizer."""
BODY_SECONDS = 10.0
"""Maximum time for a request to arrive."""
MOST_WAITING = 100
"""Maximum number of requests that are being read, waiting or answered."""
MOST_HELD = 256 << 20
"""Maximum size of these requests together."""
BUSY = "too many requests are waiting: try again"
JSON, BINARY = "application/json", "application/octet-stream"
"""Types that another site's page may not send without permission (CORS), unlike forms and plain text."""


class Desk:
    """Answers the requests of the page.

    offline: whether nothing may be downloaded.
    """

    def __init__(self, worker: Worker, uploads: Uploads, *, offline: bool) -> None:
        self.worker = worker
        self.uploads = uploads
        self.offline = offline or is_offline()
        self.lock = asyncio.Lock()
        self.waiting = 0
        self.held = 0

    async def encode(self, request: Request) -> Reply:
        """Return the worker's reply."""

        async def ask(body: bytes) -> Reply:
            from starlette.concurrency import run_in_threadpool

            async with self.lock:
                if await request.is_disconnected():  # the page has asked anew since
                    return Reply.refuse("the request was withdrawn")
                return await run_in_threadpool(self.worker.ask, body)

        return await self._handle(request, JSON, MOST_BYTES, ask)

    async def add(self, request: Request) -> Reply:
        """Load a tokenizer of the catalogue or the hub; return the tokenizers."""

        async def add_it(body: bytes) -> Reply:
            from starlette.concurrency import run_in_threadpool

            document = read_object(body)
            online = document.get("online") is True and not self.offline
            name = read_name(document)
            try:
                wanted = await run_in_threadpool(_choice.choose, name, online=online)
                self.worker.add(wanted)
            except TokbenchError as error:  # an answer, not a fault of the request
                return self.list(fault=str(error))
            return self.list(wanted.name)

        return await self._handle(request, JSON, MOST_NAMED, add_it)

    async def remove(self, request: Request) -> Reply:
        """Forget a tokenizer, and remove its file if it was opened on the page; return the tokenizers."""

        async def remove_it(body: bytes) -> Reply:
            name = read_name(read_object(body))
            self.worker.remove(name)
            self.uploads.discard(name)
            return self.list()

        return await self._handle(request, JSON, MOST_NAMED, remove_it)

    async def upload(self, request: Request) -> Reply:
        """Load a tokenizer file; return the tokenizers."""

        async def load(body: bytes) -> Reply:
            from starlette.concurrency import run_in_threadpool

            try:
                wanted = await run_in_threadpool(self.uploads.keep, request.query_params.get("name", ""), body)
            except TokbenchError as error:
                return self.list(fault=str(error))
            try:
                self.worker.add(wanted)
            except TokbenchError as error:
                self.uploads.discard(wanted.name)
                return self.list(fault=str(error))
            return self.list(wanted.name)

        return await self._handle(request, BINARY, MOST_UPLOADED, load)

    def list(self, added: str | None = None, fault: str | None = None) -> Reply:
        """Return the tokenizers with their states, and the name of the one just added, or why there is none."""
        listed = [one.to_document() for one in self.worker.list()]
        return Reply.of({"tokenizers": listed, "added": added, "fault": fault})

    async def _handle(self, request: Request, kind: str, most: int, act: Callable[[bytes], Awaitable[Reply]]) -> Reply:
        from starlette.requests import ClientDisconnect

        if request.headers.get("content-type", "").partition(";")[0] != kind:
            return Reply.refuse(f"requests must be {kind}", 415)
        if self.waiting >= MOST_WAITING:
            return Reply.refuse(BUSY, 503)
        self.waiting += 1
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                fault = await self._read(request, most, body)
            return fault or await act(bytes(body))
        except TimeoutError:
            return Reply.refuse(f"the request did not arrive within {BODY_SECONDS:g} s", 408)
        except ClientDisconnect:
            return Reply.refuse("the request was cut off")
        except TokbenchError as error:
            return Reply.refuse(error)
        finally:
            self.waiting -= 1
            self.held -= len(body)

    async def _read(self, request: Request, most: int, body: bytearray) -> Reply | None:
        """Read a request into `body`; return why it is refused, None if it is not."""
        async for chunk in request.stream():
            if len(body) + len(chunk) > most:
                return Reply.refuse(f"the request is longer than {most:,} bytes", 413)
            if self.held + len(chunk) > MOST_HELD:
                return Reply.refuse(BUSY, 503)
            body += chunk
            self.held += len(chunk)
        return None


def read_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object; TokbenchError for anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise TokbenchError("the request must be a JSON object") from error
    if not isinstance(document, dict):
        raise TokbenchError("the request must be a JSON object")
    return document


def read_name(document: dict[str, Any]) -> str:
    """Return the name in a request; TokbenchError if it is none."""
    name = document.get("name")
    if not isinstance(name, str) or not name.isprintable():
        raise TokbenchError("name must be the name of a tokenizer")
    return name
