"""The application behind the local page: a few fixed files, and addresses that encode, add and remove."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import TYPE_CHECKING

from tokbench.pythia.model.models import models
from tokbench.report.live._choice import list_catalog
from tokbench.report.live._guard import Guard
from tokbench.report.live._listing import Reply
from tokbench.report.live._requests import Desk
from tokbench.report.live._server import HOST, load_framework
from tokbench.report.live._uploads import Uploads
from tokbench.report.live._worker import Worker

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

SCRIPTS = ("page.js", "tokens.js", "lanes.js", "tokenizers.js", "elements.js", "examples.js")
KINDS = {
    "page.html": "text/html",
    "page.css": "text/css",
    **dict.fromkeys(SCRIPTS, "text/javascript"),
}
Handler = Callable[["Request"], Awaitable["Response"]]


def make_app(worker: Worker, uploads: Uploads | None = None, *, offline: bool = False) -> Starlette:
    """Create the application that serves a worker's tokenizers, and start to load them.

    uploads: where files that are opened on the page are kept. offline: whether nothing may be downloaded.
    Raises MissingExtraError without the extra `view`.
    """
    load_framework()
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.middleware import Middleware
    from starlette.responses import Response
    from starlette.routing import Route

    worker.start()
    desk = Desk(worker, uploads or Uploads(), offline=offline)

    def send(reply: Reply) -> Response:
        return Response(reply.content, reply.status, media_type="application/json")

    def serve_file(name: str) -> Handler:
        content = files("tokbench.report.live").joinpath(name).read_text(encoding="utf-8")

        async def serve_it(request: Request) -> Response:
            return Response(content, 200, media_type=KINDS[name])

        return serve_it

    def post(path: str, answer: Callable[[Request], Awaitable[Reply]]) -> Route:
        async def answer_it(request: Request) -> Response:
            return send(await answer(request))

        return Route(path, answer_it, methods=["POST"])

    async def set_up(request: Request) -> Response:
        sizes = [model.size for model in models() if not model.deduped]
        return send(Reply.of({"models": sizes, "offline": desk.offline}))

    async def list_tokenizers(request: Request) -> Response:
        return send(desk.list())

    async def list_known(request: Request) -> Response:
        return send(Reply.of(await run_in_threadpool(list_catalog)))

    routes = [Route("/", serve_file("page.html"))]
    routes += [Route(f"/{name}", serve_file(name)) for name in KINDS if name != "page.html"]
    routes += [
        Route("/api/setup", set_up),
        Route("/api/tokenizers", list_tokenizers),
        Route("/api/catalog", list_known),
        post("/api/encode", desk.encode),
        post("/api/add", desk.add),
        post("/api/remove", desk.remove),
        post("/api/upload", desk.upload),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, hosts=(HOST, "localhost"))])
