"""The server of the local page: a few fixed files, and one address that encodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tokbench.adapters import Tokenizer
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.model.models import models
from tokbench.report.live._encoding import Question, answer

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

HOST = "127.0.0.1"
MOST_BYTES = 4_000_000
"""Maximum size of a request body."""

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


def make_app(tokenizers: Mapping[str, Tokenizer]) -> Starlette:
    """Create the application that serves these tokenizers.

    Raises MissingExtraError without the extra `view`.
    """
    load_framework()
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import Response
    from starlette.routing import Route

    def reply(document: Any, status: int = 200) -> Response:
        content = json.dumps(document, ensure_ascii=False)
        return Response(content, status, HEADERS, "application/json")

    def serve_file(name: str) -> Callable[[Request], Response]:
        content = files("tokbench.report.live").joinpath(name).read_text(encoding="utf-8")
        return lambda request: Response(content, 200, HEADERS, KINDS[name])

    def set_up(request: Request) -> Response:
        return reply(
            {
                "tokenizers": [
                    {"name": t.name, "engine": t.engine, "vocabulary": t.vocab_total} for t in tokenizers.values()
                ],
                "models": [model.size for model in models() if not model.deduped],
            }
        )

    async def encode(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        # Another site's page may post a form or plain text here, but needs permission (CORS) to send this type.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return reply({"error": "requests must be application/json"}, 415)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return reply({"error": f"the text is longer than {MOST_BYTES:,} bytes"}, 413)
        return await run_in_threadpool(respond, bytes(body))

    def respond(body: bytes) -> Response:
        try:
            question = Question.read(json.loads(body))
            found = answer(question, tokenizers)
        except (TokbenchError, ValueError) as error:
            return reply({"error": str(error)}, 400)
        return reply(
            {
                "bytes": len(question.text.encode()),
                "chars": len(question.text),
                "results": [asdict(encoded) for encoded in found],
            }
        )

    routes = [Route("/", serve_file("page.html"))]
    routes += [Route(f"/{name}", serve_file(name)) for name in KINDS if name != "page.html"]
    routes += [Route("/api/setup", set_up), Route("/api/encode", encode, methods=["POST"])]
    # Refuse other host names that resolve to this machine (DNS rebinding).
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])])


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

    server = Announcing(
        uvicorn.Config(app, host=HOST, port=port, log_level="critical", access_log=False, lifespan="off")
    )
    try:
        server.run()
    except SystemExit as error:
        raise TokbenchError(f"cannot listen on port {port} of {HOST}", "choose another with --port") from error
