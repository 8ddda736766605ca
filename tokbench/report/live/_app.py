"""The server of the local page: a few fixed files, and one address that encodes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.model.models import models
from tokbench.report.live._worker import Reply, Worker

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

HOST = "127.0.0.1"
MOST_BYTES = 4_000_000
"""Maximum size of a request body."""
BODY_SECONDS = 10.0
"""Maximum time for a request to arrive."""
MOST_CONNECTIONS = 100
"""Number of connections above which silent ones are closed: systems allow 256 open files, or more."""
MOST_WAITING = 100
"""Maximum number of requests to encode that are being read, waiting or answered."""

KINDS = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def load_framework() -> None:
    """Check that the web framework and its server are installed.

    Raises MissingExtraError if not.
    """
    for library in ("starlette", "uvicorn"):
        try:
            __import__(library)
        except ImportError as error:
            raise MissingExtraError(library, "view", "the local page") from error


def make_app(worker: Worker) -> Starlette:
    """Create the application that serves a worker's tokenizers, loading them.

    Raises MissingExtraError without the extra `view`, TokbenchError if they cannot be loaded.
    """
    load_framework()
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import Response
    from starlette.routing import Route

    setup = Reply.of(
        {
            "tokenizers": worker.start().tokenizers,
            "models": [model.size for model in models() if not model.deduped],
        }
    )
    queue = _Queue(worker)

    def send(reply: Reply) -> Response:
        return Response(reply.content, reply.status, HEADERS, "application/json")

    def serve_file(name: str) -> Callable[[Request], Awaitable[Response]]:
        content = files("tokbench.report.live").joinpath(name).read_text(encoding="utf-8")

        async def serve_it(request: Request) -> Response:
            return Response(content, 200, HEADERS, KINDS[name])

        return serve_it

    async def set_up(request: Request) -> Response:
        return send(setup)

    async def encode(request: Request) -> Response:
        return send(await queue.answer(request))

    routes = [Route("/", serve_file("page.html"))]
    routes += [Route(f"/{name}", serve_file(name)) for name in KINDS if name != "page.html"]
    routes += [Route("/api/setup", set_up), Route("/api/encode", encode, methods=["POST"])]
    # Refuse other host names that resolve to this machine (DNS rebinding).
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])])


class _Queue:
    """Requests to encode: read within limits, and passed on one after the other."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.lock = asyncio.Lock()
        self.waiting = 0

    async def answer(self, request: Request) -> Reply:
        """Return the worker's reply, or why the request does not reach it."""
        from starlette.requests import ClientDisconnect

        # Another site's page may post a form or plain text here, but needs permission (CORS) to send this type.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return Reply.of({"error": "requests must be application/json"}, 415)
        if self.waiting >= MOST_WAITING:
            return Reply.of({"error": "too many requests are waiting: try again"}, 503)
        self.waiting += 1
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await self._read(request)
            if body is None:
                return Reply.of({"error": f"the text is longer than {MOST_BYTES:,} bytes"}, 413)
            return await self._ask(request, body)
        except TimeoutError:
            return Reply.of({"error": f"the request did not arrive within {BODY_SECONDS:g} s"}, 408)
        except ClientDisconnect:
            return Reply.of({"error": "the request was cut off"}, 400)
        finally:
            self.waiting -= 1

    async def _read(self, request: Request) -> bytes | None:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return None
        return bytes(body)

    async def _ask(self, request: Request, body: bytes) -> Reply:
        from starlette.concurrency import run_in_threadpool

        async with self.lock:
            if await request.is_disconnected():  # the page has asked anew since
                return Reply.of({"error": "the request was withdrawn"}, 400)
            return await run_in_threadpool(self.worker.ask, body)


def configure(app: Starlette, port: int) -> uvicorn.Config:
    """Return the settings of the server: this machine only, silent, and not waiting for silent clients."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        """A connection that is closed unless it asks for something soon."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.loop.call_later(BODY_SECONDS, self.close_if_silent)
            if len(self.connections) > MOST_CONNECTIONS:
                for other in [*self.connections]:
                    if isinstance(other, Impatient) and other is not self:
                        other.close_if_silent()

        def close_if_silent(self) -> None:
            if self.cycle is None:
                self.transport.close()

    return uvicorn.Config(
        app,
        host=HOST,
        port=port,
        http=Impatient,
        backlog=MOST_CONNECTIONS // 2,  # accepted at a time: more would reach the system's limit before any is closed
        log_level="critical",
        access_log=False,
        lifespan="off",
    )


def serve(app: Starlette, port: int, announce: Callable[[str], None]) -> None:
    """Serve to this machine only, until interrupted.

    port: 0 for any free port; TokbenchError if the port is in use.
    announce: called with the address once it can be opened.
    """
    load_framework()
    import uvicorn

    class Announcing(uvicorn.Server):
        """A server that announces where it listens."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                announce(f"http://{HOST}:{self.servers[0].sockets[0].getsockname()[1]}/")

    server = Announcing(configure(app, port))
    try:
        server.run()
    except SystemExit as error:
        if server.started:  # a signal, which uvicorn raises again once it has closed
            raise
        raise TokbenchError(f"cannot listen on port {port} of {HOST}", "choose another with --port") from error
